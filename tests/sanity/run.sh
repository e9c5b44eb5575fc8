#!/usr/bin/env bash
# ansible-test sanity, the linters of roles and documentation, and what Galaxy would say of it, all on the collection as
# it is shipped: built, unpacked.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
tools=$(dirname "$python")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kubenode/sanity
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ansible-test looks for python3.N on PATH; what a version manager puts there does not run without its settings.
interpreter=$("$python" -c 'import sys; print(sys.base_prefix + "/bin")')
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
export PATH="$tools:$interpreter:$PATH"
export ANSIBLE_COLLECTIONS_PATH=$work ANSIBLE_NOCOLOR=1

# ansible-test fetches a script that brings pip into its environments from a host of its own. Where it finds one it
# fetches nothing: this one does the same with a wheel from the index that pip is set up for.
bring_pip() {
    local wanted name
    wanted=$("$python" -c 'from ansible_test._internal.python_requirements import collect_bootstrap as c
from ansible_test._internal.host_configs import NativePythonConfig as P
print(c(P(version="'"$version"'", path=""))[0].pip_version)')
    name=$1/.ansible/test/cache/get_pip_${wanted//./_}.py
    [[ -e $name ]] && return
    mkdir -p "$(dirname "$name")"
    "$python" -m pip download --quiet --no-deps --dest "$(dirname "$name")" "pip==$wanted"
    cat >"$name" <<'SCRIPT'
import glob, os, sys

here = os.path.dirname(os.path.abspath(os.environ["GET_PIP"]))
sys.path[:0] = glob.glob(os.path.join(here, "pip-*.whl"))

from pip._internal.cli.main import main

sys.exit(main(["install", "--quiet", "--no-index", "--find-links", here, "pip"]))
SCRIPT
}

# What Galaxy does with an upload, in an environment of its own: it wants older versions of what others need newer. It
# would only repeat ansible-lint. Its remarks on the files with our one exception, the licence, are expected.
import_into_galaxy() {
    local home=$1/importer said
    [[ -e $home/ready ]] || {
        "$python" -m venv --clear "$home"
        "$home/bin/pip" install --quiet 'galaxy-importer>=0.4.44'
        touch "$home/ready"
    }
    printf '[galaxy-importer]\nrun_ansible_lint = False\n' >"$work/galaxy-importer.cfg"
    said=$(PATH="$home/bin:$PATH" GALAXY_IMPORTER_CONFIG="$work/galaxy-importer.cfg" \
        "$home/bin/python" -m galaxy_importer.main "$2" 2>&1) || { echo "$said"; return 1; }
    said=$(grep -E 'WARNING|ERROR' <<<"$said" | grep -v 'WARNING: Ignore files skip') || return 0
    echo "galaxy-importer: $said"
    return 1
}

cd "$root"
antsibull-changelog lint
ansible-galaxy collection build --output-path "$work" >/dev/null
ansible-galaxy collection install --offline -p "$work" "$work"/kubenode-node-*.tar.gz >/dev/null
cd "$work/ansible_collections/kubenode/node"

import_into_galaxy "$cache" "$work"/kubenode-node-*.tar.gz
antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
ansible-lint --offline --nocolor

# Its environments are kept in a home of its own, and pip's downloads where they are always kept.
bring_pip "$cache"
PIP_CACHE_DIR=$("$python" -m pip cache dir)
export PIP_CACHE_DIR HOME=$cache
sanity=(ansible-test sanity --python "$version" --color no)
"${sanity[@]}" --skip-test pep8 --skip-test pylint
# Beyond Ansible's own folders the style is ruff's; this one forbids, for example, the name "_".
"${sanity[@]}" --test pep8 --test pylint plugins/ roles/
