#!/bin/sh
# Shows a cmocka run in one line, or whole when it failed. Standard input: its output.
set -eu

output=$(mktemp)
trap 'rm -f "$output"' EXIT
cat >"$output"
if grep -q '^\[  PASSED  \]' "$output" && ! grep -qE 'FAILED|ERROR: |runtime error|WARNING: ThreadSanitizer' "$output"; then
	grep '^\[  PASSED  \]' "$output"
else
	cat "$output"
	exit 1
fi
