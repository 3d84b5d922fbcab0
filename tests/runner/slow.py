"""Parts that `./dev test quick` leaves out, and why: the whole `./dev test` runs them.

What is quick takes well below 90 s on two cores with nothing else to do. A part that takes more
than 4 s of that, computing or waiting, belongs here.
"""

SLOW = {
    "unit.net.http": "waits for time-outs of a server, 8 s",
    "spec.cookbook": "runs each of ten programs several times, 6 s",
    "spec.copy": "copies large files, 5 s",
    "spec.copy_tree": "copies large trees, 6 s",
    "spec.http_stream": "waits for servers that are slow on purpose, 7 s",
    "spec.pool_interrupt": "sends signals to thirty programs, and waits for the grace of each, 7 s",
    "spec.process_limits": "fills memory and computes until a limit ends it, 7 s",
    "spec.progress_screen": "draws bars in a terminal at a dozen widths, 12 s",
    "spec.recording": "records a session of scrape and copy, which take their time, 8 s",
    "spec.scrape": "runs the scraper on a site many times, 4 s",
    "spec.scrape_faults": "waits for pauses and time-outs of failing servers, 4 s",
    "spec.tutorial": "runs the program of each lesson, with its waits, 7 s",
}
