package containerd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// StandIn is the main function of a stand-in. It returns the exit code.
//
// Only what starts or removes a sandbox is handed on. Whatever else containerd asks a
// shim, such as what it can do (-info), is no part of a sandbox.
func StandIn() int {
	dir := filepath.Dir(os.Args[0]) // containerd starts shims by their path
	args := os.Args[1:]
	if len(args) > 0 && slices.Contains([]string{"start", "delete"}, args[len(args)-1]) {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, "..", socketFile), Net: "unix"})
		if err == nil {
			return handOn(conn, args)
		}
	}
	// Nobody waits: hapscope was killed, and containerd cleans up.
	path, err := os.Readlink(filepath.Join(dir, shimLink))
	if err == nil {
		err = unix.Exec(path, append([]string{path}, args...), os.Environ())
	}
	return fail(fmt.Errorf("become the shim %s: %w", path, err))
}

// handOn lets the hapscope at the other end run the shim.
func handOn(conn *net.UnixConn, args []string) int {
	defer conn.Close()
	wd, err := os.Getwd()
	if err != nil {
		return fail(err)
	}
	if _, _, err := conn.WriteMsgUnix([]byte{' '}, unix.UnixRights(0, 1, 2), nil); err != nil {
		return fail(err)
	}
	if err := json.NewEncoder(conn).Encode(call{Args: args, Dir: wd, Env: os.Environ()}); err != nil {
		return fail(err)
	}
	var a answer
	if err := json.NewDecoder(conn).Decode(&a); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("hapscope has ended meanwhile")
		}
		return fail(err)
	}
	if a.Message != "" {
		return fail(errors.New(a.Message))
	}
	return a.Status
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", standInName, err)
	return 1
}
