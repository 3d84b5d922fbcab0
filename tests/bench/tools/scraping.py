"""mooncrew scrape beside the tutorial's programs and curl, against a site on loopback."""

import os
import random
import shutil

from support import measure
from tools import site
from tools.race import Case, HERE, ROOT

SCRIPT = os.path.join(ROOT, "scripts", "scrape.lua")
XPATH = "//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']/@data-original"
TWINS = os.path.join(HERE, "twins")
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


class Site(Case):
    """All images of a site."""

    def __init__(self, name, latency, counts):
        super().__init__(name)
        self.latency, self.counts = latency, counts
        self.server = self.images = self.out = None

    def commands(self, folder, binary, address):
        """What each tool is called as."""
        raise NotImplementedError

    def prepare(self, folder, binary, quick):
        root, self.out = os.path.join(folder, "site"), os.path.join(folder, "img")
        os.mkdir(root)
        if self.latency:
            self.server = site.slow(binary, root, self.latency)
        else:
            self.server = site.nginx(folder, root)
        self.images = write_site(root, self.server.address, self.counts[1 if quick else 0])
        return self.commands(folder, binary, self.server.address)

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


class Pages(Site):
    """What ten pages show. curl has its pages read by xmllint."""

    def commands(self, folder, binary, address):
        return {
            "mooncrew": [binary, SCRIPT, "-q", "-c", AT_ONCE, "-o", self.out, "--xpath", XPATH,
                         f"{address}/list/{{1..{PAGES}}}.html"],
            "curl, xmllint": [os.path.join(TWINS, "scrape.sh"), address, str(PAGES), XPATH, AT_ONCE,
                              self.out],
            "tutorial 17": [measure.PEER, "-B", os.path.join(TWINS, "image_scraper.py"), address,
                            self.out, PATIENCE],
        }


class Addresses(Site):
    """A list of the images' addresses. robots.txt is asked for by nobody."""

    def commands(self, folder, binary, address):
        urls = [f"{address}/img/{name}" for name in self.images]
        listing, config = os.path.join(folder, "urls"), os.path.join(folder, "curl")
        with open(listing, "w", encoding="utf-8") as file:
            file.write("\n".join(urls))
        with open(config, "w", encoding="utf-8") as file:
            for url in urls:
                file.write(f'url = "{url}"\nremote-name\n')
        return {
            "mooncrew": [binary, SCRIPT, "-q", "-c", AT_ONCE, "-o", self.out, "--no-robots",
                         "-i", listing],
            "curl": ["curl", "-sS", "--parallel", "--parallel-max", AT_ONCE, "--create-dirs",
                     "--output-dir", self.out, "-K", config],
            "tutorial 8": [measure.PEER, "-B", os.path.join(TWINS, "map_urls.py"), listing,
                           self.out],
        }


CASES = [
    Pages("scrape, 0 ms a request", 0, (3000, 60)),
    Pages("scrape, 50 ms a request", 0.05, (1000, 40)),
    Addresses("scrape a list, 0 ms a request", 0, (3000, 60)),
    Addresses("scrape a list, 50 ms a request", 0.05, (1000, 40)),
]
