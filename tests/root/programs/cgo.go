// SPDX-License-Identifier: GPL-2.0-or-later
// Go that calls C, C that calls Go, and Go's own memory. Blocks stay where the name says so.
package main

/*
#include <stdlib.h>
extern void called_by_c(int n);
static void call_go(int n) { called_by_c(n); }
static void *c_keeps(void) { return malloc(1000); }
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"unsafe"
)

const rounds = 20

var kept []unsafe.Pointer

//export called_by_c
func called_by_c(n C.int) {
	keep_in_callback()
	if n > 1 {
		C.call_go(n - 1)
	}
}

//go:noinline
func keep_in_callback() { kept = append(kept, unsafe.Pointer(C.CString("callback"))) }

//go:noinline
func keep_string() { kept = append(kept, unsafe.Pointer(C.CString("string"))) }

//go:noinline
func keep_in_c() { kept = append(kept, C.c_keeps()) }

//go:noinline
func keep_nothing() { C.free(unsafe.Pointer(C.CString("nothing"))) }

//go:noinline
func work() {
	for i := 0; i < rounds; i++ {
		keep_string()
		keep_in_c()
		keep_nothing()
		C.call_go(2)
	}
}

// Deep enough for its stack to be moved to another place.
//
//go:noinline
func deep(n int) int {
	var room [64]int
	if n == 0 {
		work()
		return 0
	}
	room[n%64] = deep(n - 1)
	return room[n%64] + 1
}

func main() {
	done := make(chan int)
	if len(os.Args) > 1 {
		fmt.Println("ready")
		bufio.NewReader(os.Stdin).ReadString('\n')
	}
	go func() { done <- deep(30) }()
	<-done
	work()
}
