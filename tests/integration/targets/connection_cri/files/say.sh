#!/bin/sh
# For ansible.builtin.script: tells its arguments, one a line.
for one in "$@"; do
  printf '<%s>\n' "$one"
done
exit 4
