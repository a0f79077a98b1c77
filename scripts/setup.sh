#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets up the checkout: scripts/setup.sh packages|packages-dev|console. Each step is skipped while its inputs are unchanged, so only the
# first time needs the network. Stamps are in .setup/.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-packages}
python=${PYTHON:-python3}
stamps=.setup
mkdir -p "$stamps"

say() { printf '%s\n' "$1"; }
die() {
  printf 'openmains: %s / %s\n' "$1" "$2" >&2
  exit 1
}
done_before() { [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]; }
hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

make_venv() {
  [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null && return
  command -v "$python" >/dev/null || die "找不到 $python;请安装 Python 3.11 或更新版本" "$python is missing: install Python 3.11 or newer"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$python 版本过低,需要 3.11 或更新" "$python is too old: 3.11 or newer is needed (PYTHON=… chooses another)"
  "$python" -c 'import venv, ensurepip' 2>/dev/null ||
    die "缺少 venv 模块:apt-get install python3-venv" "the venv module is missing: apt-get install python3-venv"
  say "[1/4] .venv"
  rm -rf .venv
  "$python" -m venv .venv
}

install_packages() {
  lock=$1
  want=$(hash_of "$lock" requirements.lock)
  if done_before packages-dev "$want-dev" && [ "$lock" = requirements.lock ]; then return; fi
  name=packages
  [ "$lock" = requirements.lock ] || { name=packages-dev; want="$want-dev"; }
  done_before "$name" "$want" && return
  total=$(grep -c '==' "$lock")
  say "[2/4] $lock: $total packages / 个软件包"
  log="$stamps/pip.log"
  {
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-deps --require-hashes -r "$lock" 2>&1 || echo FAILED
  } | tee "$log" | awk -v total="$total" '/^Collecting /{n++; if (n % 10 == 0) {printf "      %d/%d\n", n, total; fflush()}}
    /^Installing collected/{print "      installing / 安装中 …"; fflush()}'
  if grep -q '^FAILED$' "$log"; then
    grep -E '^ERROR' "$log" >&2 || tail -n 5 "$log" >&2
    die "安装软件包失败,详见 $log" "installing packages failed, see $log"
  fi
  printf '%s' "$want" > "$stamps/$name"
}

install_project() {
  want=$(hash_of pyproject.toml)-$(pwd | sha256sum | cut -c1-16)
  done_before project "$want" && return
  say "[3/4] openmains"
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation \
    --no-index --editable . 2> "$stamps/project.log" || { tail -n 5 "$stamps/project.log" >&2; die "安装本项目失败" "installing the project failed"; }
  printf '%s' "$want" > "$stamps/project"
}

build_console() {
  [ -f console/package.json ] || return 0
  want=$(find console -name node_modules -prune -o -path console/dist -prune -o -type f -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
  if done_before console "$want" && [ -f src/openmains/console_dist/index.html ]; then return; fi
  command -v node >/dev/null && command -v npm >/dev/null ||
    die "找不到 node 与 npm;请安装 Node.js 20.19 或更新版本" "node and npm are missing: install Node.js 20.19 or newer"
  say "[4/4] console / 网页控制台"
  modules=$(hash_of console/package.json console/package-lock.json)
  if ! done_before console-modules "$modules" || [ ! -d console/node_modules ]; then
    (cd console && npm ci --no-progress) > "$stamps/npm.log" 2>&1 ||
      { tail -n 8 "$stamps/npm.log" >&2; die "npm ci 失败,详见 .setup/npm.log" "npm ci failed, see .setup/npm.log"; }
    printf '%s' "$modules" > "$stamps/console-modules"
  fi
  (cd console && npm run build) > "$stamps/console.log" 2>&1 ||
    { tail -n 12 "$stamps/console.log" >&2; die "控制台构建失败,详见 .setup/console.log" "building the console failed, see .setup/console.log"; }
  rm -rf src/openmains/console_dist.new
  cp -R console/dist src/openmains/console_dist.new
  rm -rf src/openmains/console_dist
  mv src/openmains/console_dist.new src/openmains/console_dist
  printf '%s' "$want" > "$stamps/console"
}

case $mode in
  packages) make_venv; install_packages requirements.lock; install_project ;;
  packages-dev) make_venv; install_packages requirements-dev.lock; install_project ;;
  console) build_console ;;
  *) die "用法:scripts/setup.sh packages|packages-dev|console" "usage: scripts/setup.sh packages|packages-dev|console" ;;
esac
