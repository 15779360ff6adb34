package testrecord

import (
	"reflect"
	"slices"
	"strings"

	"hapscope/record"
)

// fixed are fields whose texts mean something to hapscope: no record is read that has
// others there.
var fixed = []string{"Schema", "Where", "Kernel", "BuildID"}

// Poison adds a text to every text of a record that may be anything: names, reasons,
// versions, paths, names of functions and of system calls, keys of maps. What was one name
// in several places is one name still.
func Poison(rec *record.Record, text string) *record.Record {
	p := poison(text)
	p.walk(reflect.ValueOf(&rec.Run).Elem())
	p.walk(reflect.ValueOf(&rec.Results).Elem())
	p.walk(reflect.ValueOf(&rec.Timings).Elem())
	p.walk(reflect.ValueOf(&rec.Warnings).Elem())
	// What no name of a function can hold: records that have it are not read.
	p = poison(strings.NewReplacer(",", "", `"`, "", "\r", "", "\n", "", "/", "").Replace(text))
	for kernel := range rec.Tables { // whose keys are build ids
		functions := slices.Clone(rec.Tables[kernel])
		p.walk(reflect.ValueOf(functions))
		rec.Tables[kernel] = functions
	}
	return rec
}

type poison string

// plainText is the type of texts that are no words of a schema, which have types of their own.
var plainText = reflect.TypeOf("")

func (p poison) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == plainText && v.String() != "" {
			v.SetString(v.String() + string(p))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fresh := reflect.New(v.Type().Elem()) // others may point there, too
			fresh.Elem().Set(v.Elem())
			p.walk(fresh.Elem())
			v.Set(fresh)
		}
	case reflect.Slice:
		if !v.IsNil() && v.CanSet() {
			fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(fresh, v)
			v.Set(fresh)
		}
		for i := range v.Len() {
			p.walk(v.Index(i))
		}
	case reflect.Map:
		p.walkMap(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && !slices.Contains(fixed, field.Name) {
				p.walk(v.Field(i))
			}
		}
	}
}

func (p poison) walkMap(v reflect.Value) {
	if v.IsNil() {
		return
	}
	fresh := reflect.MakeMap(v.Type())
	for _, key := range v.MapKeys() {
		k, value := reflect.New(key.Type()).Elem(), reflect.New(v.Type().Elem()).Elem()
		k.Set(key)
		value.Set(v.MapIndex(key))
		p.walk(k)
		p.walk(value)
		fresh.SetMapIndex(k, value)
	}
	v.Set(fresh)
}
