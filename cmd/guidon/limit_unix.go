//go:build !windows

package main

import "syscall"

// openFilesLimit is how many files a process may have open. The runtime raises
// the soft limit to the hard one, so it is what the server gets.
func openFilesLimit() (n uint64, ok bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return limit.Max, true
}
