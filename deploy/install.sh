#!/bin/sh
# Installs a built checkout as a systemd service on Debian and its relatives, or removes it again. Nothing outside the paths named in `usage` is touched; data and configuration
# are never overwritten or removed.
set -eu

usage() {
  cat << 'TEXT'
usage: deploy/install.sh [--modules ci|copy|link] [--no-start]   install or upgrade (as root, from a checkout after `npm ci && npm run build`)
       deploy/install.sh --uninstall                             remove the program and the unit; /etc/isotherm and /var/lib/isotherm stay

  /opt/isotherm            link to /opt/isotherm-<version>, the program; the version before stays for going back
  /etc/isotherm            site.yaml and its secrets
  /var/lib/isotherm        store, users, orders, backups
  /etc/systemd/system/isotherm.service
  /usr/local/bin/isotherm

  --modules ci    packages from the registry, as package-lock.json says (default)
            copy  those of this checkout, without its development tools; needs no network
            link  those of this checkout, as they are: for trying out
  DESTDIR=DIR     installs below DIR, makes no user and starts nothing
TEXT
}

say() { printf 'isotherm: %s\n' "$1"; }
fail() {
  printf 'isotherm: %s\n' "$1" >&2
  exit 1
}

dest="${DESTDIR:-}"
modules=ci
start=yes
uninstall=no
while [ $# -gt 0 ]; do
  case "$1" in
    --modules)
      [ $# -gt 1 ] || fail "--modules wants ci, copy or link"
      modules="$2"
      shift
      ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done
case "$modules" in ci | copy | link) ;; *) fail "--modules wants ci, copy or link" ;; esac

source="$(cd "$(dirname "$0")/.." && pwd)"
unit="$dest/etc/systemd/system/isotherm.service"
[ -n "$dest" ] || [ "$(id -u)" -eq 0 ] || fail "run it as root, or name a DESTDIR"
# In a DESTDIR, in a container or while an image is built there is no systemd to talk to.
manages() { [ -z "$dest" ] && [ -d /run/systemd/system ]; }

if [ "$uninstall" = yes ]; then
  if manages && [ -e "$unit" ]; then systemctl disable --now isotherm.service; fi
  rm -f "$unit" "$dest/usr/local/bin/isotherm" "$dest/opt/isotherm"
  rm -rf "$dest"/opt/isotherm-[0-9]*
  if manages; then systemctl daemon-reload; fi
  say "removed; $dest/etc/isotherm and $dest/var/lib/isotherm are still there"
  exit 0
fi

[ -f "$source/dist/src/main.js" ] || fail "there is no build in $source: run npm ci && npm run build first"
node="$(command -v node)" || fail "Node.js is not there: install version 20.19 or newer"
"$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node.js $("$node" --version) is too old: install version 20.19 or newer"
version="$("$node" -p 'require(process.argv[1]).version' "$source/package.json")"
program="$dest/opt/isotherm-$version"

if [ -z "$dest" ] && ! getent passwd isotherm > /dev/null; then
  useradd --system --user-group --home-dir /var/lib/isotherm --shell /usr/sbin/nologin isotherm
  say "made the user isotherm"
fi

# Beside the old one, and put into its place whole.
fresh="$program.new"
rm -rf "$fresh"
mkdir -p "$fresh"
cp -R "$source/dist" "$source/package.json" "$source/package-lock.json" "$source/LICENSE" "$source/docs" "$source/deploy" "$fresh/"
case "$modules" in
  ci) (cd "$fresh" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund) ;;
  copy)
    cp -R "$source/node_modules" "$fresh/"
    (cd "$fresh" && npm prune --omit=dev --offline --ignore-scripts --no-audit --no-fund)
    ;;
  link) ln -s "$source/node_modules" "$fresh/node_modules" ;;
esac
"$node" "$fresh/dist/src/main.js" --version > /dev/null || fail "the installed program does not run"
if manages && systemctl is-active --quiet isotherm.service; then
  was_running=yes
  # The store before the upgrade: a newer schema is not read by an older isotherm.
  if [ -x "$dest/usr/local/bin/isotherm" ]; then
    isotherm backup --config /etc/isotherm/site.yaml --to /var/lib/isotherm/backups --keep 5
  fi
  systemctl stop isotherm.service
else
  was_running=no
fi
rm -rf "$program"
mv "$fresh" "$program"
ln -sfn "isotherm-$version" "$dest/opt/isotherm"

mkdir -p "$dest/usr/local/bin" "$dest/etc/systemd/system" "$dest/etc/isotherm" "$dest/var/lib/isotherm"
printf '#!/bin/sh\nexec %s /opt/isotherm/dist/src/main.js "$@"\n' "$node" > "$dest/usr/local/bin/isotherm"
chmod 0755 "$dest/usr/local/bin/isotherm"
sed "s|^ExecStart=/usr/bin/node |ExecStart=$node |" "$source/deploy/isotherm.service" > "$unit"
chmod 0644 "$unit"
if [ -z "$dest" ]; then
  chown root:isotherm /etc/isotherm
  chown isotherm:isotherm /var/lib/isotherm
fi
chmod 0750 "$dest/etc/isotherm"
chmod 0700 "$dest/var/lib/isotherm"
say "version $version is in $dest/opt/isotherm"

if manages; then
  systemctl daemon-reload
  if [ "$was_running" = yes ]; then
    systemctl start isotherm.service
    say "started again"
  elif [ "$start" = yes ] && [ -f /etc/isotherm/site.yaml ]; then
    systemctl enable --now isotherm.service
    say "started; its log: journalctl -u isotherm"
  fi
fi
if [ ! -f "$dest/etc/isotherm/site.yaml" ]; then
  say "next: write /etc/isotherm/site.yaml (store.directory: /var/lib/isotherm), its secrets with chown isotherm and chmod 600, then"
  say "      isotherm doctor --config /etc/isotherm/site.yaml && systemctl enable --now isotherm"
fi
