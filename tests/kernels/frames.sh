# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# frames.sh - frames behind a VLAN tag, and frames larger than a buffer: read by
# guest.sh, whose words it uses. The program is attached, and stays so.
# shellcheck disable=SC2154,SC2034,SC2086 # names of guest.sh; no number or address holds a blank

# set_offload DEV FEATURE on|off, and what ethtool says of it afterwards.
set_offload() {
	$1 ethtool -K $2 $3 $4
	$1 ethtool -k $2 | grep "^$3: $4"
}

# vlan_offloads on|off: the sender's card adds the tag, or its stack did; the receiver's
# takes it off, or its stack does. With both on the frame that the program sees has none.
vlan_offloads() {
	set_offload "" $iface rx-vlan-offload $1 && set_offload "" $iface tx-vlan-offload $1 &&
		set_offload in_attacker $peer rx-vlan-offload $1 &&
		set_offload in_attacker $peer tx-vlan-offload $1
}

vlan_up() {
	ip link add link $iface name vlan5 type vlan id 5
	in_attacker ip link add link $peer name vlan5 type vlan id 5
	ip addr add 192.0.2.1/24 dev vlan5
	in_attacker ip addr add 192.0.2.4/24 dev vlan5
	ip link set vlan5 up
	in_attacker ip link set vlan5 up
}

vlan_down() {
	ip link del vlan5
	in_attacker ip link del vlan5
}

# CMD, with the two VLAN devices for the cable.
in_vlan() {
	net4=192.0.2 peer=vlan5
	"$@"
	said=$?
	choose $driver
	return $said
}

vlan_scan() {
	tap "$column detects: in VLAN 5, offloads $1, a scanner learns $learned ports" in_vlan learns_some
	tap "$column blocks: and nothing more" in_vlan knocks 0 $scanner
	tap "$column blocks: its neighbour there is answered" in_vlan few 2 192.0.2.4
}

# Both ends of the cable.
mtu() {
	ip link set $iface mtu $1 && in_attacker ip link set $peer mtu $1
}

jumbo() {
	case "$driver $mode $(uname -r)" in
	"virtio_net native 6.1."*)
		echo "ok - $driver $mode: jumbo frames # SKIP this card has no multi-buffer XDP before 6.3"
		return
		;;
	esac
	tap "$column loads: stays when the MTU becomes 9000" mtu 9000
	tap "$column loads: frames of 8042 bytes come and go" \
		in_attacker ping -q -c 3 -s 8000 -I $net4.4 $net4.1
	tap "$column detects: a scanner beside them learns $learned ports" learns_some
	tap "$column blocks: and nothing more" knocks 0 $scanner
	mtu 1500
}

frames_tests() {
	column="$driver $mode"
	vlan_up
	case $driver in
	veth)
		for setting in on off; do
			tap "$column loads: VLAN offloads $setting" vlan_offloads $setting
			vlan_scan $setting
		done
		vlan_offloads on >/dev/null
		;;
	virtio_net) # it has none to switch
		vlan_scan none
		;;
	esac
	vlan_down
	jumbo
}
