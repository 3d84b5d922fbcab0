"""mooncrew scrape beside the tutorial's programs and curl, against a site on loopback."""

import os
import random
import shutil

from support import measure
from tools import site
from tools.race import Case, HERE, ROOT

SCRIPT = os.path.join(ROOT, "scripts", "scrape.lua")
XPATH = "//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']/@data-original"
PAGES = 10
AT_ONCE = "20"  # as in the tutorial, for each tool
PATIENCE = "3"  # seconds that the tutorial's program waits for more: enough on a busy machine


def image_name(number):
    """Of its file, and the last part of its address."""
    return f"{number:05d}.jpg"


def write_site(root, address, count):
    """Images of 0 to 32 KiB, and pages that show as many each. {name: bytes}"""
    dice = random.Random(3)
    images = {image_name(i): dice.randbytes(dice.randrange(0, 32768)) for i in range(count)}
    for folder in ("list", "img"):
        os.makedirs(os.path.join(root, folder))
    for name, data in images.items():
        with open(os.path.join(root, "img", name), "wb") as file:
            file.write(data)
    names = list(images)
    for page in range(PAGES):
        with open(os.path.join(root, "list", f"{page + 1}.html"), "w", encoding="utf-8") as file:
            file.write("<!DOCTYPE html><title>Images</title><ul>\n")
            for name in names[page::PAGES]:
                file.write("<li class='list-group-item'><a href='/'><img src='/icon.gif'"
                           " referrerpolicy='no-referrer'"
                           f" data-original='{address}/img/{name}'></a></li>\n")
            file.write("</ul>\n")
    return images


class Scraping(Case):
    """All images of ten pages. curl and the tutorial's program 8 are given the images'
    addresses, and read no pages; "curl, xmllint" reads them, by xmllint."""

    def __init__(self, name, latency, counts):
        super().__init__(name)
        self.latency, self.counts = latency, counts
        self.server = self.images = self.out = None

    def prepare(self, folder, binary, quick):
        root, self.out = os.path.join(folder, "site"), os.path.join(folder, "img")
        os.mkdir(root)
        if self.latency:
            self.server = site.slow(binary, root, self.latency)
        else:
            self.server = site.nginx(folder, root)
        address = self.server.address
        self.images = write_site(root, address, self.counts[1 if quick else 0])
        urls = [f"{address}/img/{name}" for name in self.images]
        listing, config = os.path.join(folder, "urls"), os.path.join(folder, "curl")
        with open(listing, "w", encoding="utf-8") as file:
            file.write("\n".join(urls))
        with open(config, "w", encoding="utf-8") as file:
            for url in urls:
                file.write(f'url = "{url}"\nremote-name\n')
        twins = os.path.join(HERE, "twins")
        return {
            "mooncrew": [binary, SCRIPT, "-q", "-c", AT_ONCE, "-o", self.out, "--xpath", XPATH,
                         f"{address}/list/{{1..{PAGES}}}.html"],
            "curl": ["curl", "-sS", "--parallel", "--parallel-max", AT_ONCE, "--create-dirs",
                     "--output-dir", self.out, "-K", config],
            "curl, xmllint": [os.path.join(twins, "scrape.sh"), address, str(PAGES), XPATH, AT_ONCE,
                              self.out],
            "tutorial 17": [measure.PEER, "-B", os.path.join(twins, "image_scraper.py"), address,
                            self.out, PATIENCE],
            "tutorial 8": [measure.PEER, "-B", os.path.join(twins, "map_urls.py"), listing,
                           self.out],
        }

    def before(self, name):
        shutil.rmtree(self.out, ignore_errors=True)

    def after(self, name, output):
        found = {}
        for entry in os.scandir(self.out):
            with open(entry.path, "rb") as file:
                found[entry.name] = file.read()
        if found != self.images:
            wrong = [name for name in self.images if found.get(name) != self.images[name]]
            raise measure.Wrong(f"{name}: {len(wrong)} images are missing or differ, "
                                f"{len(found)} of {len(self.images)} are there")
        return float(output) if name == "tutorial 17" else None

    def close(self):
        if self.server:
            self.server.close()
        self.server = None


CASES = [
    Scraping("scrape, 0 ms a request", 0, (3000, 60)),
    Scraping("scrape, 50 ms a request", 0.05, (1000, 40)),
]
