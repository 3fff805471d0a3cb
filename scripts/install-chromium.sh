#!/usr/bin/env bash
# Install Chromium and the fonts of our nine languages, for the browser tests and the screenshot, and curl, for the tests
# of the documentation. Safe to repeat.
set -euo pipefail

packages=(curl fonts-noto-cjk fonts-noto-core)

if command -v chromium-headless-shell chromium >/dev/null && command -v curl >/dev/null && fc-list 2>/dev/null | grep -qi "noto.*cjk"; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "Install Chromium, curl and Noto fonts (CJK, Arabic) with your system's package manager." >&2
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "For the tests of the page and of the documentation run: sudo apt-get install chromium ${packages[*]}" >&2
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq || true
# Debian has Chromium without a window: a smaller download, without GTK, and pages take half the processor time.
# Ubuntu's chromium is a snap, which does not start everywhere; its package still installs what it can.
if apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    packages+=(chromium-headless-shell)
else
    packages+=(chromium)
fi
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" ||
    echo "Chromium or curl could not be installed: their tests will be skipped (and fail where CI=true)." >&2
