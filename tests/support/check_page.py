"""Strict check of a page that bitdial report made: check_page.py [--script] PAGE.html [TEXT...]

Every element is closed in its order, no id stands twice, every link leads into the page, nothing is loaded from elsewhere
and nothing is run, but with --script one script of the page's own, at its end; each TEXT stands in the page as text.
"""
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "input"}
KNOWN = set("""html head meta title style body h1 h2 h3 p b div section span pre table thead tbody tr th td a svg g rect line
text""".split())
SCRIPTED = {"script", "input", "button", "circle", "polyline"}  # of pages with a script


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.text, self.faults = [], set(), [], [], []

    def handle_starttag(self, tag, attrs):
        # <title> is of the head and of a group in a drawing.
        if tag not in KNOWN:
            self.faults.append(f"element <{tag}>")
        for name, value in attrs:
            if name == "id":
                if value in self.ids:
                    self.faults.append(f"id '{value}' twice")
                self.ids.add(value)
            if name == "href":
                self.links.append(value)
            if name.startswith("on") or name in ("src", "action", "data", "srcset", "xlink:href"):
                self.faults.append(f"attribute {name}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes what is not open, line {self.getpos()[0]}")

    def handle_data(self, data):
        self.text.append(data)


def main():
    if sys.argv[1] == "--script":
        KNOWN.update(SCRIPTED)
        del sys.argv[1]
    source = open(sys.argv[1], encoding="utf-8").read()
    page = Page()
    page.feed(source)
    page.close()
    faults = page.faults + [f"<{tag}> is not closed" for tag in page.open]
    faults += [f"link to '{link}'" for link in page.links if link[:1] != "#" or link[1:] not in page.ids]
    if re.search(r"@import|url\(|https?:", source):
        faults.append("something from elsewhere")
    if source.count("<script") > 1 or ("<script" in source and not source.endswith("</script>\n</body>\n</html>\n")):
        faults.append("a script that is not the one at the end")
    if not source.startswith("<!DOCTYPE html>"):
        faults.append("no doctype")
    whole = "".join(page.text)
    faults += [f"no text '{text}'" for text in sys.argv[2:] if text not in whole]
    for fault in faults:
        print(f"{sys.argv[1]}: {fault}")
    sys.exit(bool(faults))


main()
