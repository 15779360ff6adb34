// Package containerd is an engine for package shim: the shim is started and asked by a
// containerd, the user's own or one that hapscope runs for the time being.
//
// A tracer follows what the thread forks that asks for a sandbox, and containerd forks
// its shims itself. So containerd is given a stand-in for the shim's program: a link to
// hapscope, which under that name hands arguments, directory, environment and standard
// streams on to the hapscope that waits. There the thread that has asked for the
// sandbox forks the true shim. It is followed from its first instruction, and neither
// containerd nor the stand-in is. (A call that no sandbox waits for, because hapscope
// was killed, the stand-in answers by becoming the shim.)
//
// containerd's services are called over gRPC, by the module of its API alone. There is
// no image and no snapshot: the container's configuration is package bundle's, and the
// root file system a bind mount in the request.
package containerd
