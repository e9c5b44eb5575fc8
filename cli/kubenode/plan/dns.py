"""What a pod's /etc/resolv.conf says, by Kubernetes' DNS policies."""

from __future__ import annotations

from collections.abc import Iterable

from kubenode.model.facts import ResolvConf
from kubenode.model.pod import DnsConfig, DnsOption, Pod
from kubenode.model.settings import Settings
from kubenode.model.specs import Dns

MAX_SERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048
MAX_DOMAIN_CHARACTERS = 253
CLUSTER_OPTIONS = ("ndots:5",)


def dns(pod: Pod, settings: Settings, resolv: ResolvConf) -> Dns:
    """`resolv` is the node's. What is over Kubernetes' limits is left out, as the kubelet does.

    Without clusterDNS the policy ClusterFirst is Default.
    """
    base = _policy(pod, settings, resolv)
    added = pod.spec.dns_config or DnsConfig()
    return Dns(
        servers=_distinct((*base.servers, *added.nameservers))[:MAX_SERVERS],
        searches=_within_limits(_distinct((*base.searches, *added.searches))),
        options=_merged(base.options, added.options),
    )


def _policy(pod: Pod, settings: Settings, resolv: ResolvConf) -> Dns:
    kubelet, policy = settings.kubelet, pod.spec.dns_policy
    if policy == "None":
        return Dns()
    cluster_first = policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod.spec.host_network)
    if cluster_first and kubelet.cluster_dns:
        searches = (*_cluster_searches(pod, kubelet.cluster_domain), *resolv.searches)
        return Dns(tuple(kubelet.cluster_dns), searches, CLUSTER_OPTIONS)
    if not kubelet.resolv_conf:
        return Dns(("127.0.0.1",), (".",))
    return Dns(resolv.servers, resolv.searches, resolv.options)


def _cluster_searches(pod: Pod, domain: str) -> tuple[str, ...]:
    if not domain:
        return ()
    return f"{pod.metadata.namespace}.svc.{domain}", f"svc.{domain}", domain


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _within_limits(searches: tuple[str, ...]) -> tuple[str, ...]:
    kept = [search for search in searches if len(search) <= MAX_DOMAIN_CHARACTERS][:MAX_SEARCHES]
    while len(" ".join(kept)) > MAX_SEARCH_CHARACTERS:
        kept.pop()
    return tuple(kept)


def _merged(options: Iterable[str], added: Iterable[DnsOption]) -> tuple[str, ...]:
    """An option of the pod replaces one of the same name."""
    merged = {option.partition(":")[0]: option for option in options}
    for option in added:
        merged[option.name] = f"{option.name}:{option.value}" if option.value else option.name
    return tuple(merged.values())
