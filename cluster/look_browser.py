"""A headless Chromium for cluster/look, driven by Selenium, and what it measures on a page."""

import os
import pathlib
import sys

PACKAGES = pathlib.Path(__file__).resolve().parent.parent / ".build" / "python-browser"

# Elements that reach beyond the page's width, but for those that scroll by themselves.
OVERFLOW = """
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
return [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll, .hidden, .skip'))
  .map(e => `${e.tagName} ${e.id} ${e.className}`).slice(0, 5);
"""

# Text whose contrast with what is behind it is under the first argument (WCAG 2.2, relative luminance).
CONTRAST = """
const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const faint = [];
for (const e of document.querySelectorAll('body *')) {
  if (e.closest('.hidden, .skip, noscript, script, style, title') || !e.getClientRects().length) continue;
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  const style = getComputedStyle(e);
  const ink = light(parse(e instanceof SVGElement ? style.fill : style.color));
  const paper = light(behind(e));
  const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  const what = `${e.tagName} ${e.className.baseVal ?? e.className}: ${e.textContent.trim().slice(0, 30)}`;
  if (ratio < arguments[0]) faint.push(`${ratio.toFixed(2)} ${what}`);
}
return faint;
"""


class Browser:
    """One window. It ends with the script."""

    def __enter__(self):
        sys.path.insert(0, str(PACKAGES))
        # The driver is the system's: nothing is to be looked for or told elsewhere.
        os.environ["SE_OFFLINE"] = "true"
        os.environ["SE_AVOID_STATS"] = "true"
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        # The sandbox needs rights that root in a container has not; the only pages opened are our own.
        for name in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"):
            options.add_argument(f"--{name}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def state(self):
        """live, wait or lost, as the page says."""
        return self.run("return byID('live').dataset.state")

    def size(self, width, height):
        self.width, self.height = width, height
        self._emulate(height)

    def _emulate(self, height):
        size = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": self.width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def theme(self, name):
        self.run("theme.mode = arguments[0]; theme.apply()", name)

    def picture(self, path):
        """Of the whole page, as long as it is."""
        self._emulate(max(self.height, self.run("return document.documentElement.scrollHeight")))
        # One more frame, since charts follow their size.
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        self.driver.save_screenshot(str(path))
        self._emulate(self.height)

    def look_up(self, bucket, key):
        """Fills in the form, and presses Enter."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        for name, text in (("bucket", bucket), ("key", key)):
            field = self.driver.find_element(By.NAME, name)
            # A driver types only what is on a keyboard.
            self.run("arguments[0].value = arguments[1]", field, text)
        field.send_keys(Keys.ENTER)

    def tab_through(self, stops=40):
        """What Tab reaches from the top of the page: ids where there are some, else names of elements."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        self.run(
            "document.activeElement.blur(); window.scrollTo(0, 0); document.body.tabIndex = -1;"
            "document.body.focus(); document.body.removeAttribute('tabindex')"
        )
        reached = []
        for _ in range(stops):
            ActionChains(self.driver).send_keys(Keys.TAB).perform()
            reached.append(self.run("const e = document.activeElement; return e.id || e.tagName.toLowerCase()"))
        return reached

    def focus_and_press(self, selector, key, times):
        """Presses a key on an element; returns the label that it had before."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        script = "const e = document.querySelector(arguments[0]); e.focus(); return e.getAttribute('aria-label')"
        known = {"left": Keys.ARROW_LEFT, "enter": Keys.ENTER, "escape": Keys.ESCAPE}
        label = self.run(script, selector)
        for _ in range(times):
            ActionChains(self.driver).send_keys(known[key]).perform()
        return label

    def press(self, selector, key="enter"):
        self.focus_and_press(selector, key, 1)

    def pick(self, selector, text):
        """Chooses in a list as people do by keyboard: by the beginning of what they want."""
        from selenium.webdriver.common.by import By

        field = self.driver.find_element(By.CSS_SELECTOR, selector)
        field.send_keys(text)
        if field.get_attribute("value") != text:
            raise AssertionError(f"{selector} is {field.get_attribute('value')!r} after typing {text!r}")

    def title(self):
        return self.driver.title

    def console(self):
        """Warnings and errors since the last time."""
        return [line for line in self.driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
