// Package calls makes a call for each line of standard input, and prints how it went.
package calls

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// OnEachLine ends with the input.
func OnEachLine(call func() error) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := call(); err != nil {
			fmt.Println("call: refused", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("call: ok")
		}
	}
}
