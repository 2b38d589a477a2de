#!/bin/sh
# Prints the first ten digits of the commit that is checked out, nothing outside of a checkout. Git itself is not needed:
# the image's builder has none.
cd "$(dirname "$0")/.." || exit
commit=$(git rev-parse HEAD 2>/dev/null) || commit=
if [ -z "$commit" ] && [ -f .git/HEAD ]; then
    read -r commit ref <.git/HEAD
    if [ -n "$ref" ]; then
        commit=$(cat ".git/$ref" 2>/dev/null || sed -n "s|^\([0-9a-f]*\) $ref\$|\1|p" .git/packed-refs 2>/dev/null)
    fi
fi
printf %.10s "$commit"
