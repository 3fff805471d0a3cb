#!/usr/bin/env bash
# Run the checks and all tests in two groups side by side, since most tests keep one core busy. Arguments go to pytest.
# The first group is shown while it runs, the second one after it. Ends with 1 if anything failed in either.
set -uo pipefail
set -m  # each group is a process group: it ends as a whole, and Ctrl-C is not ignored in it
cd "$(dirname "$0")/.."

python=.venv/bin/python
output=$(mktemp)
trap 'kill %1 2>/dev/null; wait; rm -f "$output"' EXIT

checks_and_interface() {
    local status=0
    make --no-print-directory check || status=1
    "$python" -m pytest -p no:cacheprovider tests/ui "$@" || status=1
    return $status
}

status=0
checks_and_interface "$@" >"$output" 2>&1 &
echo "Beside these tests: make check, then pytest tests/ui; what they say is shown at the end."
"$python" -m pytest tests --ignore=tests/ui "$@" || status=1
wait %1 || status=1
echo
echo "make check, and pytest tests/ui:"
cat "$output"
if [ "$status" -eq 0 ]; then echo "All checks and tests passed."; else echo "Something failed: see above."; fi
exit "$status"
