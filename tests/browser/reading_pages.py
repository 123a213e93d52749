"""How a reader goes through the reading room's page, by keyboard alone."""

FAINT = """() => [...document.querySelectorAll('.step')].findIndex(
  (b) => getComputedStyle(b).backgroundColor !== getComputedStyle(b.firstChild).backgroundColor)"""


def link(server, token) -> str:
    """The address of one reader's page."""
    return f"{server.url}#reader={token}"


def start(page, server, token=""):
    """Open a page and go in by its link."""
    page.goto(link(server, token))
    page.wait_for_selector(".room[data-screen=start] button")
    page.keyboard.press("Enter")


def check_display(page):
    """Tell both steps apart and take the card's length as it is."""
    for title in ("1 of 3", "2 of 3"):
        page.wait_for_selector(f".display h3:has-text('{title}')")
        page.keyboard.press(str(page.evaluate(FAINT) + 1))
    page.wait_for_selector(".display .card")
    page.keyboard.press("Enter")


def wait_case(page, session, order):
    """Wait for a case that can be answered; what was kept of the last one stands on the page by then."""
    page.wait_for_selector(f".room[data-screen=case][data-case='{session} {order}']")


def choose(page, key, confidence):
    """Choose an answer, without confirming it."""
    page.keyboard.press(key)
    page.keyboard.press(str(confidence))


def answer(page, key, confidence):
    """Answer the open case."""
    choose(page, key, confidence)
    page.keyboard.press("Enter")
