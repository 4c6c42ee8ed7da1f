cairn_test(base_glob_test SOURCES base_glob_test.cc DEPS cairn_base)
cairn_test(base_numbers_test SOURCES base_numbers_test.cc DEPS cairn_base)
cairn_test(base_random_test SOURCES base_random_test.cc DEPS cairn_base)
cairn_test(base_split_args_test SOURCES base_split_args_test.cc DEPS cairn_base)
