#!/usr/bin/env bash
# Run two shell commands side by side: most tests keep one core busy, so two groups of them take half the time on two.
# The first one is shown while it runs, the second one after it. Ends with 1 if either failed.
set -uo pipefail
set -m # each command is a process group: it ends as a whole, and Ctrl-C is not ignored in it
cd "$(dirname "$0")/.."

output=$(mktemp)
trap 'kill %1 2>/dev/null; wait; rm -f "$output"' EXIT

status=0
bash -c "$2" >"$output" 2>&1 &
printf 'Beside this, and shown after it: %s\n' "$2"
bash -c "$1" || status=1
wait %1 || status=1
printf '\n%s\n' "$2"
cat "$output"
if [ "$status" -eq 0 ]; then echo "All passed."; else echo "Something failed: see above."; fi
exit "$status"
