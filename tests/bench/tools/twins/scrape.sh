#!/bin/sh
# The same job by public tools: scrape.sh ADDRESS PAGES XPATH AT_ONCE OUT
# robots.txt (whose rules nobody reads), the pages, what the XPath finds in them, the images.
set -eu
address=$1 pages=$2 xpath=$3 at_once=$4 out=$5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
curl -sS "$address/robots.txt" >/dev/null
curl -sS --parallel --parallel-max "$at_once" -o 'page#1' "$address/list/[1-$pages].html"
xmllint --html --xpath "$xpath" page* |
  sed 's/^[^"]*"\(.*\)"$/url = "\1"\nremote-name/' >images
curl -sS --parallel --parallel-max "$at_once" --create-dirs --output-dir "$out" -K images
