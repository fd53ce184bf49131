package main

import "fmt"

// silentLogger drops what raft tells: the records say all that the caller acts on. Panics must
// happen all the same, since raft relies on Panicf not returning.
type silentLogger struct{}

func (silentLogger) Debug(...any)            {}
func (silentLogger) Debugf(string, ...any)   {}
func (silentLogger) Info(...any)             {}
func (silentLogger) Infof(string, ...any)    {}
func (silentLogger) Warning(...any)          {}
func (silentLogger) Warningf(string, ...any) {}
func (silentLogger) Error(...any)            {}
func (silentLogger) Errorf(string, ...any)   {}

func (silentLogger) Fatal(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silentLogger) Fatalf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
func (silentLogger) Panic(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silentLogger) Panicf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
