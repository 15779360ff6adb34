package nabla

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The stand-in is this test's binary under the name of a tender. It is neither a tender
// nor Nabla, and boots nothing: it takes a tender's command line, opens tap and disk,
// installs the filter that nabla-run installs, and then answers ARP, and UDP with what
// it was sent, after it has written one block to its disk. So it can be seen that
// arguments, address, tap and disk arrive, and how a tender ends.

// standIns are the names under which the test's binary is one.
var standIns = []string{"nabla-run", "solo5-spt", "solo5-hvt"}

// A tender is one thread, the first of its process: its filter is looked for there. A main
// goroutine stays on that one only if an init function has locked it to it.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); slices.Contains(standIns, name) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, standIn(os.Args[1:]))
		os.Exit(1)
	}
	runtime.UnlockOSThread()
	os.Exit(m.Run())
}

// dieAfter makes a stand-in call what its filter does not allow after so many answers.
const dieAfter = "--die-after-one"

// guest is what the stand-in serves with. Behind the filter nothing may be allocated.
type guest struct {
	tap, disk int
	address   [4]byte
	mac       [6]byte
	die       bool
	frame     [2048]byte
	block     [512]byte
}

// served has to outlive the stack: goroutines do not grow theirs behind the filter.
var served guest

func standIn(args []string) error {
	g := &served
	g.tap, g.disk, g.mac = -1, -1, [6]byte{2, 0, 0, 0, 0, 1}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		flag, value, _ := strings.Cut(args[0], "=")
		args = args[1:]
		var err error
		switch kind, _, _ := strings.Cut(flag, ":"); kind {
		case "--help", "--version":
			fmt.Fprintln(os.Stderr, "stand-in tender, version 0\nABI version 2\n--x-exec-heap")
			os.Exit(1)
		case "--net":
			g.tap, err = attach(value)
		case "--disk", "--block":
			g.disk, err = unix.Open(value, unix.O_RDWR, 0)
		case "--x-exec-heap", "--":
		default:
			err = fmt.Errorf("invalid option")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		if flag == "--" {
			break
		}
	}
	if len(args) < 2 {
		return fmt.Errorf("missing operands")
	}
	address, err := addressIn(args[1])
	if err != nil {
		return err
	}
	g.address, g.die = address.As4(), args[len(args)-1] == dieAfter
	fmt.Println("stand-in for", filepath.Base(os.Args[0]), "with", strings.Join(args, " "))
	// No collection, and none of the signals by which Go takes a thread from its
	// goroutine: returning from one is a system call.
	debug.SetGCPercent(-1)
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		return err
	}
	if err := install(g); err != nil {
		return err
	}
	g.serve()
	return nil
}

// addressIn reads an address as rumprun and as MirageOS are told it.
func addressIn(arg string) (netip.Addr, error) {
	if ip, ok := strings.CutPrefix(arg, "--ipv4="); ok {
		p, err := netip.ParsePrefix(ip)
		return p.Addr(), err
	}
	var config struct{ Net struct{ Addr string } }
	if err := json.Unmarshal([]byte(arg), &config); err != nil {
		return netip.Addr{}, err
	}
	return netip.ParseAddr(config.Net.Addr)
}

// attach opens a tap that is there already, as tenders do.
func attach(name string) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		return 0, fmt.Errorf("could not attach interface: %s: %w", name, err)
	}
	return fd, nil
}

// install installs nabla-run's filter on this thread: of the seven calls, those on
// files only on the ones that they are for.
func install(g *guest) error {
	const (
		nr, arg0, arg2 = 0, 16, 32
		allow, kill    = unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_KILL_PROCESS
	)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	end := func(verdict uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}
	}
	unless := func(value uint32, skip int) unix.SockFilter { // skips so many
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: uint8(skip)}
	}
	var program []unix.SockFilter
	rule := func(call int, at uint32, values ...int) {
		body := []unix.SockFilter{}
		for _, v := range values {
			body = append(body, load(at), unless(uint32(v), 1), end(allow))
		}
		if values == nil {
			body = append(body, end(allow))
		} else {
			body = append(body, end(kill))
		}
		program = append(append(program, load(nr), unless(uint32(call), len(body))), body...)
	}
	rule(unix.SYS_READ, arg0, g.tap)
	rule(unix.SYS_WRITE, arg0, 1, g.tap)
	rule(unix.SYS_PREAD64, arg2, len(g.block))
	rule(unix.SYS_PWRITE64, arg2, len(g.block))
	rule(unix.SYS_PPOLL, 0)
	rule(unix.SYS_CLOCK_GETTIME, 0)
	rule(unix.SYS_EXIT_GROUP, 0)
	program = append(program, end(kill))
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&f))); e != 0 {
		return fmt.Errorf("install the filter: %w", e)
	}
	return nil
}

// serve answers until it is killed. It splits no stack: Go's scheduler would take the
// occasion to make system calls.
//
//go:nosplit
func (g *guest) serve() {
	poll := unix.PollFd{Fd: int32(g.tap), Events: unix.POLLIN}
	for {
		unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, 0, 0, 0, 0)
		n, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(g.tap), uintptr(unsafe.Pointer(&g.frame)), uintptr(len(g.frame)))
		if e != 0 || n < 42 || !g.answer() {
			continue
		}
		unix.RawSyscall(unix.SYS_WRITE, uintptr(g.tap), uintptr(unsafe.Pointer(&g.frame)), n)
		if g.die && g.frame[12] == 8 && g.frame[13] == 0 {
			unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	}
}

// answer turns a question into its answer, and reports whether it was one for us.
//
//go:nosplit
func (g *guest) answer() bool {
	f := &g.frame
	source, target, ip := 28, 38, uint16(f[12])<<8|uint16(f[13]) == unix.ETH_P_IP
	switch {
	case ip && f[23] == unix.IPPROTO_UDP: // its sums stay, for what they are of only changes places
		source, target = 26, 30
	case f[12] == 8 && f[13] == 6 && f[21] == 1: // an ARP request
	default:
		return false
	}
	for i := range 4 {
		if f[target+i] != g.address[i] {
			return false
		}
	}
	for i := range 4 {
		f[target+i], f[source+i] = f[source+i], g.address[i]
	}
	for i := range 6 {
		f[i], f[6+i] = f[6+i], g.mac[i]
	}
	if ip {
		f[34], f[35], f[36], f[37] = f[36], f[37], f[34], f[35] // ports
		if g.disk >= 0 {
			for i := range 16 {
				g.block[i] = f[42+i]
			}
			unix.RawSyscall6(unix.SYS_PWRITE64, uintptr(g.disk), uintptr(unsafe.Pointer(&g.block)), uintptr(len(g.block)), 0, 0, 0)
		}
		return true
	}
	for i := range 6 {
		f[32+i], f[22+i] = f[22+i], g.mac[i]
	}
	f[21] = 2
	return true
}
