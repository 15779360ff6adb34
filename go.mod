module hapscope

go 1.26
