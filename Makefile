# make demo   builds the program, fetches a small model and searches 300 passages
# make test   builds everything and runs the tests
.PHONY: demo test
.DEFAULT_GOAL := demo

demo:
	@cmake/setup.sh --build
	@cmake/fetch_model.sh >/dev/null
	@cmake --preset release
	@cmake --build --preset cli
	@build/release/bin/nvembed search "$$(cmake/fetch_model.sh)" --corpus examples/data/passages.jsonl \
	  --query "a bug that disappears when you look for it" \
	  --query "who keeps an old machine running" \
	  --query "jokes about writing programs" -k 3

test:
	@cmake/setup.sh
	@cmake/fetch_model.sh >/dev/null
	@cmake --preset dev
	@cmake --build --preset dev
	@ctest --preset dev
