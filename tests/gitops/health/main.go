// Health says what Argo CD and Flux would make of MiniPrograms, in a line for each: its name, their
// words, and Argo CD's message. It evaluates what the examples ship, with the interpreters that the
// two use themselves, and must not know any rule of its own.
//
//	health ARGOCD-CM FLUX-KUSTOMIZATION < OBJECTS
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	lua "github.com/yuin/gopher-lua"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}

func run(argo, flux string) error {
	objects := json.NewDecoder(os.Stdin)
	for {
		var object map[string]any
		if err := objects.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("an object: %w", err)
		}
		status, message, err := ofArgo(argo, object)
		if err != nil {
			return fmt.Errorf("%s: %w", argo, err)
		}
		word, err := ofFlux(flux, object)
		if err != nil {
			return fmt.Errorf("%s: %w", flux, err)
		}
		metadata, _ := object["metadata"].(map[string]any)
		fmt.Printf("%v %s %s %s\n", metadata["name"], status, word, message)
	}
}

func ofArgo(file string, object map[string]any) (status, message string, err error) {
	var config struct {
		Data map[string]string `json:"data"`
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &config)
	}
	if err != nil {
		return "", "", err
	}
	script, ok := config.Data["resource.customizations.health.miniprogram.dev_MiniProgram"]
	if !ok {
		return "", "", fmt.Errorf("no health check of MiniProgram")
	}
	// Argo CD opens no library that reaches the machine either.
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetGlobal("obj", intoLua(state, object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the script returns no table")
	}
	return answer.RawGetString("status").String(), answer.RawGetString("message").String(), nil
}

func intoLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, each := range value {
			table.RawSetString(key, intoLua(state, each))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, each := range value {
			table.Append(intoLua(state, each))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	default:
		return lua.LNil
	}
}

// The first expression that holds, in the order in which Flux asks them; in progress if none does.
func ofFlux(file string, object map[string]any) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var options []cel.EnvOption
	for _, name := range []string{"apiVersion", "kind", "metadata", "spec", "status"} {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	environment, err := cel.NewEnv(append(options, ext.Strings(), ext.Lists())...)
	if err != nil {
		return "", err
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kustomization struct {
			Spec struct {
				HealthCheckExprs []map[string]string `json:"healthCheckExprs"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal(document, &kustomization); err != nil {
			return "", err
		}
		for _, check := range kustomization.Spec.HealthCheckExprs {
			if check["apiVersion"] != object["apiVersion"] || check["kind"] != object["kind"] {
				continue
			}
			for _, word := range []string{"inProgress", "failed", "current"} {
				holds, err := evaluate(environment, check[word], object)
				if err != nil {
					return "", fmt.Errorf("%s: %w", word, err)
				}
				if holds {
					return word, nil
				}
			}
			return "inProgress", nil
		}
	}
	return "", fmt.Errorf("no health check of %v", object["kind"])
}

func evaluate(environment *cel.Env, expression string, object map[string]any) (bool, error) {
	ast, issues := environment.Compile(expression)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := environment.Program(ast)
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	holds, ok := value.Value().(bool)
	if !ok {
		return false, fmt.Errorf("%q is no condition", expression)
	}
	return holds, nil
}
