# Every target sets up .venv by itself; a fresh machine needs Python 3.11 or newer, and make.
.PHONY: demo kafka test check bench soak venv
bin := .venv/bin

demo: venv  ## the whole story on real data; ARGS=--exit ends after the summary
	@$(bin)/sidelight demo $(ARGS)

kafka: venv  ## a Kafka broker on 127.0.0.1:9092 to play with; scripts/kafka stop ends it
	@scripts/kafka start $(ARGS)

test: check  ## everything CI runs
	$(bin)/python -m pytest -m "not soak" -n 2 --dist loadfile $(ARGS)

check: venv  ## style and types
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy

bench: venv  ## speed and memory, printed beside a peer where there is one
	$(bin)/python -m benchmarks $(ARGS)

soak: venv  ## long fault, soak and fuzz runs
	$(bin)/python -m pytest -m soak --timeout 3600 $(ARGS)

venv:
	@scripts/venv
