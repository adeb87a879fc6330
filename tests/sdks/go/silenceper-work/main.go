package main

import "sdks/calls"

func main() {
	app := newWork()
	calls.OnEachLine(func() error {
		_, err := app.GetAddressList().DepartmentList()
		return err
	})
}
