"""The tutorial's program 17, the image scraper, with requests and lxml: ten processes find the
addresses, one downloads with twenty threads. Prints the time when the last image was written:
it goes on to wait for more, SECONDS long (20 in the tutorial), which is not held against it.

  image_scraper.py SITE FOLDER SECONDS
"""

import os
import queue
import sys
import time
from multiprocessing import Process, Queue
from multiprocessing.pool import ThreadPool

import requests
from lxml import etree

IMAGES = ("//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']"
          "/@data-original")


def get_addresses(url, q):
    """Runs in a process for each page."""
    page = requests.get(url, timeout=60)
    for address in etree.HTML(page.text).xpath(IMAGES):
        q.put(address.strip())


def download(url, folder):
    """Runs in a thread."""
    answer = requests.get(url, timeout=60)
    with open(os.path.join(folder, url.rpartition("/")[2]), "wb") as file:
        file.write(answer.content)
    return time.time()


def downloader(q, folder, wait):
    """Runs in the process that downloads."""
    pool = ThreadPool(20)
    results = []
    while True:
        try:
            url = q.get(True, wait)
        except queue.Empty:
            break
        results.append(pool.apply_async(download, (url, folder)))
    pool.close()
    pool.join()
    print(max(result.get() for result in results))


def main(site, folder, wait):
    """Scrapes."""
    os.makedirs(folder, exist_ok=True)
    q = Queue()
    pages = [
        Process(target=get_addresses, args=(f"{site}/list/{page}.html", q))
        for page in range(1, 11)
    ]
    for process in pages:
        process.start()
    last = Process(target=downloader, args=(q, folder, wait))
    last.start()
    for process in (*pages, last):
        process.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
