# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's servers read: knot.conf, unbound.conf, zone files. Text only; lab.py runs them."""

import base64
import hashlib

from servers import knot_version

AGENT_PORT = 5399    # The agents' own address (drafts section 8): knotd listens there as well.
DS_TTL = 3           # At the parent: nobody has to wait long for an old DS to leave the caches.
DNSKEY_TTL = 30      # Longer than a round of questions, so that it is answered from one DNSKEY set.
INFRA = "example."   # Holds the providers' names; identities are agent.PROVIDER.example.

HEAD = """\
server:
    rundir: {folder}
    listen: [ {listen} ]
    udp-workers: 1
    tcp-workers: 2
    background-workers: 2
control:
    listen: knot.sock
database:
    storage: {folder}
    journal-db-max-size: 2G
log:
  - target: {folder}/log
    any: info
"""

# single: infrastructure, one CSK each. shared: what mod-msigner needs (doc/operation.rst).
def policies(dnskey_ttl=DNSKEY_TTL):
    return f"""\
policy:
  - id: single
    manual: on
    algorithm: ED25519
    single-type-signing: on
    dnskey-ttl: {dnskey_ttl}
    cds-cdnskey-publish: none
  - id: shared
    manual: on
    algorithm: ECDSAP256SHA256
    dnskey-management: incremental
    delete-delay: 10
    cds-cdnskey-publish: always
    dnskey-ttl: {dnskey_ttl}
    signing-threads: 2
"""


POLICIES = policies()


def parent_of(zone):
    return zone.split(".", 1)[1] or "."


def identity(provider):
    return f"agent.{provider}.{INFRA}"


def nameservers(provider):
    return [f"ns1.{provider}.{INFRA}", f"ns2.{provider}.{INFRA}"]


def secret(*ends):
    """Made from the names: the lab's servers only talk on loopback."""
    return base64.b64encode(hashlib.sha256("-".join(ends).encode()).digest()).decode()


def tsig(*ends):
    """The key of two ends: its name, and its entry in section `key`."""
    name = "-".join(ends)
    return name, f"  - id: {name}\n    algorithm: hmac-sha256\n    secret: {secret(*ends)}\n"


def head(lab, name, listen):
    return HEAD.format(folder=lab.path(name), listen=", ".join(listen))


def receiver(lab, name):
    """mod-dsync and its place as global module: the parent hears of its children by itself."""
    return f"""\
module:
  - id: mod-dsync
    file: {lab.receiver_file}
mod-dsync:
  - id: default
    target: dsync.{INFRA}
    address: {lab.address[name]}@{AGENT_PORT}
    control: {lab.path(name)}/knot.sock
    root-hints: {lab.folder}/root.hints
    trust-anchor: {lab.folder}/root.ds
    status-acl: [ 127.0.0.0/8 ]
    ds-ttl: {DS_TTL}
    ns-ttl: {DS_TTL}
    retry: 1
    gap: 0
""" + "".join(f"    {line}\n" for line in lab.receiver_items) + """\
template:
  - id: default
    global-module: mod-dsync/default
"""


def infra(lab, name, zones):
    """root and parent: signed from zone files, edited by knotc when the operator is played."""
    receives = name == "parent" and lab.receiver_file is not None
    listen = [f"{lab.address[name]}@53", f"{lab.address[name]}@{AGENT_PORT}"]
    text = head(lab, name, listen if receives else listen[:1]) + POLICIES
    text += (receiver(lab, name) if receives else "") + "zone:\n"
    for zone in zones:
        text += (f"  - domain: {zone}\n    file: {lab.zonefile(name, zone)}\n"
                 "    zonefile-sync: -1\n    dnssec-signing: on\n    dnssec-policy: single\n")
        text += "    module: mod-dsync/default\n" if receives else ""
    return text


def owner(lab):
    """Plain knotd, unsigned zones, transfers by TSIG to each provider and nobody else."""
    keys = [tsig("owner", p) for p in lab.providers]
    text = head(lab, "owner", [f"{lab.address['owner']}@53"]) + "key:\n"
    text += "".join(body for _, body in keys) + "remote:\n"
    for provider, (key, _) in zip(lab.providers, keys):
        address = lab.address[lab.front(provider)]
        text += f"  - id: {provider}\n    address: {address}@53\n    key: {key}\n"
    text += "acl:\n  - id: providers\n    action: transfer\n"
    text += f"    key: [ {', '.join(key for key, _ in keys)} ]\nzone:\n"
    for zone in lab.shared:
        text += (f"  - domain: {zone}\n    file: {lab.zonefile('owner', zone)}\n"
                 "    zonefile-sync: -1\n    acl: providers\n"
                 f"    notify: [ {', '.join(lab.providers)} ]\n"
                 f"    provide-ixfr: {'on' if lab.ixfr else 'off'}\n")
    return text


def module(lab, name, provider, *items):
    """The module's sections in the knot.conf of the server `name`, and its place as global module."""
    section = "" if lab.module_file is None else \
        f"module:\n  - id: mod-msigner\n    file: {lab.module_file}\n"
    return section + f"""\
mod-msigner:
  - id: default
    identity: {identity(provider)}
    key: {lab.path(name)}/agent.pem
    storage: {lab.path(name)}/msigner
    control: {lab.path(name)}/knot.sock
    root-hints: {lab.folder}/root.hints
    trust-anchor: {lab.folder}/root.ds
    status-acl: [ 127.0.0.0/8 ]
""" + "".join(f"    {line}\n" for line in [*items, *lab.module_items]) + """\
template:
  - id: default
    global-module: mod-msigner/default
"""


def combiner(lab, name):
    """Between the owner and a provider's signer: unsigned zones, contributions by UPDATE."""
    behind = name.removesuffix("_combiner")
    up, down, agent = tsig("owner", behind), tsig(name, behind), tsig("agent", behind)
    text = head(lab, name, [f"{lab.address[name]}@53"]) + f"""\
key:
{up[1]}{down[1]}{agent[1]}remote:
  - id: owner
    address: {lab.address['owner']}@53
    key: {up[0]}
  - id: signer
    address: {lab.address[behind]}@53
    key: {down[0]}
acl:
  - id: owner
    action: notify
    key: {up[0]}
  - id: signer
    action: transfer
    key: {down[0]}
"""
    text += module(lab, name, behind, f"agent-key: {agent[0]}") + "zone:\n"
    for zone in lab.shared:
        text += (f"  - domain: {zone}\n    master: owner\n    notify: signer\n"
                 "    acl: [ owner, signer ]\n"
                 f"    zonefile-load: none\n    zonefile-sync: -1\n{unsigned_journal()}"
                 "    retry-max-interval: 2\n")
        if lab.takes_part(zone):
            text += "    module: mod-msigner/default\n"
    return text


def unsigned_journal():
    """What an unsigned zone needs for serials of ours (doc/operation.rst)."""
    return f"    journal-content: {'all' if knot_version() < (3, 3) else 'none'}\n"


def behind_combiner():
    """No journal there: only whole zones come, and need not be signed as a whole."""
    return "" if knot_version() < (3, 4) else "    ixfr-from-axfr: on\n"


def provider(lab, name):
    """The subject: a stock knotd that signs, with the module where a zone takes part."""
    upstream = lab.upstream(name)
    up, down, agent = tsig(upstream, name), tsig(name, "secondary"), tsig("agent", name)
    listen = [f"{lab.address[name]}@53", f"{lab.address[name]}@{AGENT_PORT}"]
    text = head(lab, name, listen) + f"""\
key:
{up[1]}{down[1]}{agent[1]}remote:
  - id: upstream
    address: {lab.address[upstream]}@53
    key: {up[0]}
  - id: secondary
    address: {lab.address[name + '_secondary']}@53
    key: {down[0]}
acl:
  - id: upstream
    action: notify
    key: {up[0]}
  - id: secondary
    action: transfer
    key: {down[0]}
  - id: hand
    action: transfer
    address: 127.0.0.0/8
{policies(lab.dnskey_ttl)}"""
    if lab.module:
        items = [f"combiner: {lab.address[upstream]}@53", f"combiner-key: {agent[0]}"]
        text += module(lab, name, name, f"address: [ {lab.address[name]}@{AGENT_PORT} ]",
                       f"nameserver: [ {', '.join(nameservers(name))} ]",
                       *(items if upstream != "owner" else []))
    text += (f"zone:\n  - domain: {identity(name)}\n"
             f"    file: {lab.zonefile(name, identity(name))}\n"
             "    zonefile-sync: -1\n    dnssec-signing: on\n    dnssec-policy: single\n")
    for zone in lab.shared:
        text += (f"  - domain: {zone}\n    master: upstream\n    notify: secondary\n"
                 "    acl: [ upstream, secondary, hand ]\n"
                 "    dnssec-signing: on\n    dnssec-policy: shared\n"
                 "    zonefile-load: none\n    zonefile-sync: -1\n    journal-content: all\n"
                 "    retry-max-interval: 2\n" + (behind_combiner() if upstream != "owner" else ""))
        if lab.takes_part(zone):
            text += "    module: mod-msigner/default\n"
    return text


def secondary(lab, name):
    """A plain knotd behind a provider."""
    primary = name.removesuffix("_secondary")
    key, body = tsig(primary, "secondary")
    text = head(lab, name, [f"{lab.address[name]}@53"]) + f"""\
key:
{body}remote:
  - id: primary
    address: {lab.address[primary]}@53
    key: {key}
acl:
  - id: primary
    action: notify
    key: {key}
zone:
"""
    for zone in lab.shared:
        text += (f"  - domain: {zone}\n    master: primary\n    acl: primary\n"
                 "    zonefile-load: none\n    zonefile-sync: -1\n    retry-max-interval: 2\n")
    return text


def unbound(lab, name, *items):
    """Validating, from the private root. aggressive-nsec off: each question reaches a server."""
    local = "".join(f'    local-zone: "{zone}" nodefault\n'
                    for zone in ("test.", "invalid.", "home.arpa."))
    return f"""\
server:
    interface: {lab.address[name]}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-daemonize: no
    num-threads: 1
    chroot: ""
    username: ""
    pidfile: ""
    directory: "{lab.path(name)}"
    use-syslog: no
    logfile: "{lab.path(name)}/log"
    val-log-level: 2
    root-hints: "{lab.folder}/root.hints"
    trust-anchor-file: "{lab.folder}/root.ds"
    do-not-query-localhost: no
    aggressive-nsec: no
{local}{"".join(f"    {item}{chr(10)}" for item in items)}remote-control:
    control-enable: yes
    control-interface: "{lab.path(name)}/control.sock"
    control-use-cert: no
"""


def soa(zone, server):
    return f"{zone} 60 SOA {server} hostmaster.{INFRA} 1 300 2 86400 5\n{zone} 60 NS {server}\n"


def root_zone(lab, delegations):
    glue = f"ns.{INFRA} 60 A {lab.address['parent']}\n"
    glue += f"ns.root-servers.{INFRA} 60 A {lab.address['root']}\n"
    return soa(".", "ns.root-servers." + INFRA) + glue + delegations


def infra_zone(lab):
    """example.: every host name of the lab."""
    text = soa(INFRA, "ns." + INFRA) + f"ns.{INFRA} 60 A {lab.address['parent']}\n"
    text += f"ns.root-servers.{INFRA} 60 A {lab.address['root']}\n"
    for name in lab.providers:
        hosts = lab.address[name], lab.address[name + "_secondary"]
        for host, address in zip(nameservers(name), hosts):
            text += f"{host} 60 A {address}\n"
    return text


def delegation(zone, servers, ds):
    return "".join(f"{zone} {DS_TTL} NS {server}\n" for server in servers) + \
        "".join(f"{zone} {DS_TTL} DS {rdata}\n" for rdata in ds)
