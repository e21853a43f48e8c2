# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients: BIND's nsupdate -k and Perl's Net::DNS::SEC send UPDATEs to mod-dsync."""

import base64
import os
import subprocess

from delegation import CHILD, HOSTS, PARENT, PORT, Delegation, ds_hex

PERL = r"""
use strict; use warnings; use Net::DNS; use Net::DNS::SEC;
my ($server, $port, $keyfile, $zone, $child, @ds) = @ARGV;
my $update = Net::DNS::Update->new($zone);
$update->push(update => rr_del("$child DS"));
$update->push(update => rr_add("$child 60 DS $_")) for @ds;
$update->edns->size(1232);
$update->sign_sig0($keyfile);
my $resolver = Net::DNS::Resolver->new(nameservers => [$server], port => $port, usevc => 1,
                                       recurse => 0, tcp_timeout => 15);
my $reply = $resolver->send($update) or die $resolver->errorstring;
print $reply->header->rcode, "\n";
"""


def bind_files(lab, key, signer=CHILD):
    """A PEM key in BIND's two files; returns the path of the private one."""
    der = lab.run("openssl", "pkey", "-in", key[0], "-outform", "DER", "-out", f"{key[0]}.der") or None
    assert der is None
    with open(f"{key[0]}.der", "rb") as file:
        seed = file.read()[-32:]
    rdata = bytes.fromhex(key[1])
    base = f"{lab.folder}/K{signer.lower()}+015+{int(key[2]):05}"
    lab.write(base + ".key", f"{signer} IN KEY 512 3 15 {base64.b64encode(rdata[4:]).decode()}\n")
    lab.write(base + ".private", "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\n"
              f"PrivateKey: {base64.b64encode(seed).decode()}\n")
    os.chmod(base + ".private", 0o600)
    return base + ".private"


def nsupdate(lab, keyfile, *lines):
    text = "\n".join([f"server {lab.address['parent']} {PORT}", f"zone {PARENT}", *lines, "send", ""])
    return subprocess.run(["nsupdate", "-v", "-k", keyfile], input=text, capture_output=True,
                          text=True, check=False, timeout=30)


def test(make_lab):
    lab = make_lab(kind=Delegation, items=["scan: 0", "gap: 0", "update-child-rate: 0"])
    lab.start()
    lab.until(lambda: "DSYNC is published" in lab.log(), 20, "the parent publishes DSYNC")
    key, stranger = lab.make_key("child"), lab.make_key("stranger")
    mine, theirs = bind_files(lab, key), bind_files(lab, stranger)
    first, second = lab.ds("ns1", CHILD)

    # The key comes by nsupdate, too (M-14, M-17).
    lab.publish_key(key)
    public = base64.b64encode(bytes.fromhex(key[1])[4:]).decode()
    done = nsupdate(lab, mine, f"update delete {CHILD} KEY", f"update add {CHILD} 60 KEY 512 3 15 {public}")
    assert done.returncode == 0, done
    lab.until(lambda: lab.keystate(key)["keystate"] == "trusted", 10, "the key is trusted", lab.status)

    done = nsupdate(lab, mine, f"update add {CHILD} 60 DS {second}")
    assert done.returncode == 0, (done, lab.status())
    assert lab.at_parent("DS") == {ds_hex(first), ds_hex(second)}
    for name in "ns1", "ns2", "ns3":
        lab.edit(name, CHILD, ("set", CHILD, "5", "NS", HOSTS["ns3"]))
    done = nsupdate(lab, mine, f"update add {CHILD} 60 NS {HOSTS['ns3']}",
                    f"update add {HOSTS['ns3']} 60 A {lab.address['ns3']}")
    assert done.returncode == 0, (done, lab.status())
    assert lab.at_parent("NS") == set(HOSTS.values())

    done = nsupdate(lab, theirs, f"update delete {CHILD} DS")
    assert done.returncode != 0 and "REFUSED" in done.stderr, done
    done = nsupdate(lab, mine, f"update add www.{CHILD} 60 TXT x")
    assert done.returncode != 0 and "REFUSED" in done.stderr, done

    perl = ["perl", "-e", PERL, lab.address["parent"], str(PORT)]
    assert lab.run(*perl, mine, PARENT, CHILD, second) == "NOERROR", lab.status()
    assert lab.at_parent("DS") == {ds_hex(second)}
    said = lab.run(*perl, theirs, PARENT, CHILD, first)
    assert said == "BADKEY", said       # M-06
    assert lab.run(*perl, mine, PARENT, CHILD) == "REFUSED"      # All DS would go (M-10).
    assert lab.at_parent("DS") == {ds_hex(second)}
    assert lab.secure(CHILD)
