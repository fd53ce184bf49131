// Command raftshim holds the Raft groups of one node (go.etcd.io/raft/v3, unmodified) behind four
// functions, compiled to WebAssembly as a WASI reactor. Commands are written into a buffer, run
// executes them and leaves records in another. There is no clock, disk, socket, goroutine or timer:
// the same commands and the same random numbers give the same records.
//
// ../README.md has the byte layouts of commands, records and messages.
package main

import (
	"runtime"
	"unsafe"
)

// A buffer that had to grow beyond this is not kept for the next call.
const bufferBytesKept = 1 << 20

var (
	input []byte
	host  = newMachine()
)

func main() {}

// inBuf makes room for n bytes of commands and says where.
//
//go:wasmexport in_buf
func inBuf(n uint32) uint32 {
	if uint32(cap(input)) < n || cap(input) > bufferBytesKept {
		input = make([]byte, max(n, 4096))
	}
	input = input[:cap(input)]
	return address(input)
}

// run executes the n bytes of commands in the in-buffer and returns the length of the records.
//
//go:wasmexport run
func run(n uint32) uint32 {
	host.run(input[:n])
	return uint32(len(host.out.data))
}

// outBuf says where the records of the last run are; valid until the next call.
//
//go:wasmexport out_buf
func outBuf() uint32 { return address(host.out.data) }

// gc collects garbage at once: 15 ms at 42 MB of live heap.
//
//go:wasmexport gc
func gc() { runtime.GC() }

// memStat returns the live heap in KiB; it stops nothing but takes a while.
//
//go:wasmexport mem_stat
func memStat() uint32 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return uint32(stats.HeapAlloc >> 10)
}

func address(bytes []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
}
