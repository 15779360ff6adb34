package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"hapscope/lab/wire"
)

// path is where commands are looked for: the tools of the lab first, so that
// the pinned runsc wins over a packaged one.
const path = wire.ToolsDir + "/bin:" + wire.KataDir + "/bin:" + wire.RunDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + wire.NablaDir + "/bin"

// start brings the machine up, runs the agent and returns when it ended.
func start() error {
	conf, err := config()
	if err != nil {
		return err
	}
	if conf.Probe != "" {
		fmt.Println(conf.Probe)
		return nil
	}
	if err := earlyMounts(); err != nil {
		return err
	}
	if err := loadModules(conf.Modules); err != nil {
		return err
	}
	if err := newRoot(conf); err != nil {
		return err
	}
	if err := lateMounts(conf); err != nil {
		return err
	}
	if err := identity(); err != nil {
		return err
	}
	for k, v := range map[string]string{
		"PATH": path, "HOME": "/root", "USER": "root", "LOGNAME": "root",
		"SHELL": "/bin/bash", "LANG": "C.UTF-8", "TERM": "linux",
	} {
		os.Setenv(k, v)
	}
	return superviseAgent()
}

func config() (*wire.Config, error) {
	b, err := os.ReadFile(wire.ConfigPath)
	if err != nil {
		return nil, fmt.Errorf("read the lab's configuration: %w", err)
	}
	c := new(wire.Config)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("decode %s: %w", wire.ConfigPath, err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	if r := unix.ByteSliceToString(u.Release[:]); c.Probe == "" && r != c.Release {
		return nil, fmt.Errorf("kernel %s is running, but the modules are those of %s", r, c.Release)
	}
	return c, nil
}

// identity gives the machine its name and its loopback.
func identity() error {
	if err := unix.Sethostname([]byte("lab")); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	for name, text := range map[string]string{
		"/etc/hostname": "lab\n",
		"/etc/hosts":    "127.0.0.1 localhost lab\n::1 localhost\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket to bring lo up: %w", err)
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// superviseAgent runs the agent and reaps every orphan until the agent ends.
func superviseAgent() error {
	// A signal to process 1 (ctrl-alt-del, a poweroff in the guest) must not end
	// it: the kernel would panic. Caught and dropped rather than ignored, because
	// what is ignored stays so in every command, and a shell cannot trap it then.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGPIPE)
	p, err := os.StartProcess(filepath.Join(wire.RunDir, "hapscope"), []string{agentName}, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []*os.File{nil, os.Stdout, os.Stderr},
	})
	if err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("wait for the agent: %w", err)
		case pid == p.Pid && status.Signaled():
			return fmt.Errorf("the agent was killed by signal %d", status.Signal())
		case pid == p.Pid && status.ExitStatus() != 0:
			// It said why on the console; let that line get out.
			time.Sleep(100 * time.Millisecond)
			return fmt.Errorf("the agent exited with %d", status.ExitStatus())
		case pid == p.Pid:
			return nil
		}
	}
}
