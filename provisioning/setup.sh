#!/bin/sh
# Makes .venv ready for a purpose: `setup.sh run` or `setup.sh test`. Run again with nothing changed, it does nothing.
# Debian packages are installed only where something is missing and this user is root; otherwise they are named.
set -eu
cd "$(dirname "$0")/.."
purpose=${1:?run or test}

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done

missing=""
[ -n "$python" ] || missing="$missing python3 python3-venv"
[ -z "$python" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
# Certificates and receipts are set in Noto: Nastaliq for Urdu, Naskh for Pashto, Devanagari, Tamil.
[ -f /usr/share/fonts/truetype/noto/NotoNastaliqUrdu-Regular.ttf ] || missing="$missing fonts-noto-core"
if [ "$purpose" = test ]; then
    for pair in age:age strace:strace openssl:openssl umockdev-wrapper:umockdev udevadm:udev \
        ippeveprinter:cups-ipp-utils dbus-daemon:dbus-daemon avahi-daemon:avahi-daemon avahi-browse:avahi-utils scanimage:sane-utils \
        pdfsig:poppler-utils certutil:libnss3-tools qpdf:qpdf tmux:tmux softhsm2-util:softhsm2 \
        chromium:chromium; do
        PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
    done
    # The emulated USB bus: libusb under test, and Debian's own python3, which drives umockdev.
    [ -z "$python" ] || "$python" -c 'import ctypes; ctypes.CDLL("libusb-1.0.so.0")' 2>/dev/null ||
        missing="$missing libusb-1.0-0"
    [ -z "$python" ] || "$python" -c 'import ctypes; ctypes.CDLL("libv4l2.so.0")' 2>/dev/null ||
        missing="$missing libv4l-0"
    /usr/bin/python3 -c 'import gi; gi.require_version("UMockdev", "1.0")' 2>/dev/null ||
        missing="$missing python3-gi gir1.2-umockdev-1.0"
fi
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Debian packages:$missing" >&2
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
    else
        echo "Sanad needs these Debian packages, and only root can install them:$missing" >&2
        echo "Run: sudo apt-get install$missing" >&2
        exit 1
    fi
    [ -n "$python" ] || python=python3
fi

lock=requirements-$purpose.lock
stamp=.venv/.ready-$purpose
want=$(cat "$lock" provisioning/assets.lock pyproject.toml | sha256sum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi
[ -x .venv/bin/python ] && .venv/bin/python -c pass 2>/dev/null || "$python" -m venv --clear .venv
echo "Installing Python packages from $lock (once)" >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
if [ "$purpose" = test ]; then
    # axe-core, by which pages are judged: Debian has no package of it. Of the one that brings it, only its script is kept.
    fetched=$(mktemp -d)
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
        --target "$fetched" -r provisioning/assets.lock
    mkdir -p .assets
    mv "$fetched/axe_playwright_python/axe.min.js" .assets/
    rm -rf "$fetched"
fi
if [ "$purpose" = test ] && [ ! -x .venv/bin/promtool ] && ! command -v promtool >/dev/null 2>&1; then
    # Only this one program of Debian's `prometheus`: installed whole, it would start a server on this machine.
    fetched=$(mktemp -d)
    [ "$(id -u)" != 0 ] || apt-get update -qq >/dev/null
    (cd "$fetched" && apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb |
        tar -x --to-stdout ./usr/bin/promtool >promtool && chmod 755 promtool && mv promtool "$OLDPWD/.venv/bin/") ||
        { echo "promtool is needed: install Debian's package prometheus." >&2; rm -rf "$fetched"; exit 1; }
    rm -rf "$fetched"
fi
printf '%s\n' "$want" >"$stamp"
