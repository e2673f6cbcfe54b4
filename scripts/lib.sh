# Shared by the scripts of this folder and by .ci/run; sourced, never run.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ -t 2 && -z "${NO_COLOR:-}" ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' red='' green='' plain=''
fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
fine() { printf '%s==> %s%s\n' "$green" "$*" "$plain" >&2; }
die() {
  printf '%s%s: %s%s\n' "$red" "${0##*/}" "$1" "$plain" >&2
  exit "${2:-1}"
}
bad_usage() { die "$1; see ${0##*/} --help" 2; }

# Prints the comment at the head of the calling script, without its '#'.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# As many as there are cores, but leave 2 GiB of memory to each: that is what a unit full of Asio takes to compile.
jobs_default() {
  local cores memory_kib
  cores="$(nproc)"
  memory_kib="$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)"
  local fit=$((memory_kib / 2097152))
  ((fit < 1)) && fit=1
  echo $((cores < fit ? cores : fit))
}
