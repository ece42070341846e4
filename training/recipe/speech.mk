# Speech for training. In training/: make -f recipe/speech.mk speech TEXT=sentences.txt.gz
#
# Every pack goes on where it stopped, so any target can be interrupted and run again.

PYTHON ?= python3
DATA ?= data
TEXT ?= sentences.txt.gz
SPEECH ?= speech
JOBS ?= 1
SYNTHESIZE = OMP_NUM_THREADS=1 $(PYTHON) -m recipe.synthesize \
	--text $(TEXT) --out $(DATA) --jobs $(JOBS)

HOURS_flite ?= 12
HOURS_kokoro ?= 12
HOURS_joe ?= 4
HOURS_festival ?= 1
HOURS_espeak ?= 1
HELD ?= 0.07

VOICES = flite kokoro joe festival espeak

.PHONY: programs assets speech real align $(VOICES)

programs: ## Debian's synthesisers (as root).
	apt-get install -y flite espeak-ng festival festvox-us-slt-hts festvox-kallpc16k \
		festvox-kdlpc16k npm

assets: assets/kokoro-js ## The voices of Kokoro.

assets/kokoro-js:
	mkdir -p assets
	cd assets && npm pack kokoro-js@1.2.1 && tar -xzf kokoro-js-1.2.1.tgz
	mv assets/package $@
	rm assets/kokoro-js-1.2.1.tgz

speech: $(VOICES) ## All synthetic speech.

$(VOICES): assets/kokoro-js
	$(SYNTHESIZE) --voice $@ --split held --hours $(HELD)
	$(SYNTHESIZE) --voice $@ --split train --hours $(HOURS_$@)

real: ## Recordings: SPEECH is a folder with transcripts.tsv.
	$(PYTHON) -m recipe.real --speech $(SPEECH) --out $(DATA)

align: real ## Phones of the recordings.
	$(PYTHON) -m recipe.align --pack real-train --out $(DATA)
