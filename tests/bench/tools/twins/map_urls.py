"""The tutorial's program 8: pool.map over addresses, with requests; here a task keeps what came.
Twenty processes, and the list of addresses is read from a file.

  map_urls.py LIST FOLDER
"""

import functools
import os
import sys
from multiprocessing import Pool

import requests


def scrape(folder, url):
    """Runs in a worker."""
    try:
        answer = requests.get(url, timeout=60)
    except requests.ConnectionError:
        print("an error occurred:", url)
        return
    with open(os.path.join(folder, url.rpartition("/")[2]), "wb") as file:
        file.write(answer.content)


def main(listing, folder):
    """Fetches all."""
    os.makedirs(folder, exist_ok=True)
    with open(listing, encoding="utf-8") as file:
        urls = file.read().split()
    with Pool(20) as pool:
        pool.map(functools.partial(scrape, folder), urls)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
