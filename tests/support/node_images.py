"""Images for the manifests of tests/kubenode/manifests, under the names that stand there.

etcd and node exporter are Debian's own. The other programs are scripts: each insists on the files, flags and rights
that the real one needs, does with them the least of what that one does, and answers its probes.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from support.debian import CannotFetch, unpacked
from support.images import Image, all_images, archive

REGISTRY = "registry.example"
SECURED = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

# As the real ones: those with no certificate of their own make one.
CONTROL_PLANE = """\
#!/bin/sh
trap 'kill $!; exit 0' TERM
name=${0##*/} port= address=0.0.0.0 certificate= key=
case $name in kube-controller-manager) port=10257 ;; kube-scheduler) port=10259 ;; esac
for word; do
    value=${word#*=}
    case $word in
        --secure-port=*) port=$value ;;
        --bind-address=*) address=$value ;;
        --tls-cert-file=*) certificate=$value ;;
        --tls-private-key-file=*) key=$value ;;
    esac
    case $word in
        --*-file=* | --kubeconfig=*) [ -s "$value" ] || { echo "$name: $word: there is no such file"; exit 1; } ;;
    esac
done
[ "$certificate" ] || {
    certificate=/tmp/crt key=/tmp/key
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config /etc/openssl.cnf -subj /CN=self \\
        -keyout $key -out $certificate || exit 1
}
cd /srv || exit 1
echo "$name serves on $address:$port"
openssl s_server -accept "$address:$port" -cert "$certificate" -key "$key" -WWW -quiet &
wait $!
"""

KUBE_PROXY = """\
#!/bin/sh
trap 'exit 0' TERM
for word; do
    case $word in
        --config=*) grep '^kind: KubeProxyConfiguration$' "${word#*=}" || exit 1 ;;
        --hostname-override=*) echo "node: ${word#*=}" ;;
    esac
done
echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet && echo "sysctl: set"
exec 9> /run/xtables.lock
flock -n 9 && echo "xtables: locked"
echo "modules: $(ls /lib/modules)"
while :; do sleep 1 & wait; done
"""

CNI_DAEMON = """\
#!/bin/sh
trap 'exit 0' TERM
[ "$1" = check ] && exec test -s /run/cni/subnet.env
[ "$1" = --ip-masq ] && grep -q '"Network"' /etc/kube-cni/net-conf.json || exit 1
ip link add cnid0 type bridge && ip link del cnid0 && echo "$POD_NAME: network: may be changed"
touch /run/xtables.lock
echo "CNI_QUEUE=$EVENT_QUEUE_DEPTH" > /run/cni/subnet.env
while :; do sleep 1 & wait; done
"""

MOUNT_BPFFS = """\
#!/bin/sh
exec mount -t bpf bpf /sys/fs/bpf
"""

LOG_SHIPPER = """\
#!/bin/sh
trap 'exit 0' TERM
[ "$1" = -c ] && grep -q '^service:' "$2" || exit 1
touch /var/log/written 2> /dev/null && exit 1
echo "shipping from $NODE_NAME with ${MEMORY_LIMIT} MiB"
httpd -p 2020 -h /fluent-bit/www
while :; do
    for link in /var/log/containers/*.log; do
        sed "s|^|${link##*/} |" "$link"
    done > /var/lib/fluent-bit/shipped.new 2> /dev/null
    mv /var/lib/fluent-bit/shipped.new /var/lib/fluent-bit/shipped
    sleep 1 & wait
done
"""

APP = """\
#!/bin/sh
trap 'exit 0' TERM
cd /var/run/secrets/kubernetes.io/serviceaccount && cat namespace ca.crt
while :; do sleep 1 & wait; done
"""

OPENSSL_CONFIG = b"[req]\ndistinguished_name = name\n[name]\n"
PLUGIN = "#!/bin/sh\n"


def write_archive(path: Path) -> tuple[str, ...]:
    """Write the archive of all these images; their names. Raises CannotFetch, NoBusybox."""
    images = _node_images()
    path.write_bytes(archive(images))
    return tuple(image.name for image in images)


def _node_images() -> list[Image]:
    programs = unpacked("node-programs", "etcd-server", "prometheus-node-exporter") / "usr" / "bin"
    scripts = _scripts()
    exporter = "bin/node_exporter"
    return [
        _image("etcd:3.6.4-0", _with_libraries("bin/etcd", programs / "etcd")),
        _image(
            "node-exporter:v1.10.2",
            _with_libraries(exporter, programs / "prometheus-node-exporter"),
            Entrypoint=[f"/{exporter}"],
        ),
        # One content, and so one layer, for all scripts.
        *(_image(f"{name}:v1.36.2", scripts) for name in (*SECURED, "kube-proxy")),
        *(_image(name, scripts) for name in ("cni-plugin:v1.8.0", "cni:v0.28.0", "fluent-bit:4.1.1")),
        _image("app:1", scripts, Cmd=["app"]),
    ]


def _scripts() -> Files:
    texts = {
        **{f"bin/{name}": CONTROL_PLANE for name in SECURED},
        "bin/app": APP,
        "cni/bridge": PLUGIN,
        "bin/mount-bpffs": MOUNT_BPFFS,
        "fluent-bit/bin/fluent-bit": LOG_SHIPPER,
        "opt/bin/cnid": CNI_DAEMON,
        "usr/local/bin/kube-proxy": KUBE_PROXY,
    }
    contents = {
        **{f"fluent-bit/www/{name}": b"ok" for name in ("index.html", "api/v1/health")},
        **{f"srv/{name}": b"ok" for name in ("healthz", "livez", "readyz")},
        "etc/openssl.cnf": OPENSSL_CONFIG,
    }
    return {
        **_with_libraries("usr/bin/openssl", _program("openssl")),
        **_with_libraries("usr/bin/flock", _program("flock")),
        **{path: (text.encode(), 0o755) for path, text in texts.items()},
        **{path: (content, 0o644) for path, content in contents.items()},
    }


Files = dict[str, tuple[bytes, int]]


def _image(name: str, files: Mapping[str, tuple[bytes, int]], **config: object) -> Image:
    """A busybox with these files too."""
    _, busybox, _ = all_images()
    made = {"Env": ["PATH=/bin:/usr/bin"], **config}
    return replace(busybox, name=f"{REGISTRY}/{name}", config=made, files={**busybox.files, **files})


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise CannotFetch(f"there is no {name} here, which Debian's package openssl or util-linux has")
    return Path(found)


def _with_libraries(path: str, program: Path) -> Files:
    """A program of the host at this path of the image, its loader and libraries where they are on the host."""
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    libraries = [word for line in said.splitlines() for word in line.split() if word.startswith("/")]
    return {
        path: (program.read_bytes(), 0o755),
        **{library.lstrip("/"): (Path(library).read_bytes(), 0o755) for library in libraries},
    }
