package main

import "sdks/calls"

func main() {
	calls.OnEachLine(func() error {
		_, err := app.ListAllDepts()
		return err
	})
}
