"""From a question to its record, one at a time or several side by side."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from llama_index.core.callbacks import CallbackManager, TokenCountingHandler

from eval.datasets.dataset import Question
from eval.datasets.rows import DatasetError
from eval.records import Record
from eval.run.systems import System
from eval.score import metrics
from rag import Answer, LLMError, QuestionError

TRIES = 3  # questions in a row that fail before the model counts as down


def outcomes(
    system: System, questions: Sequence[Question], threads: int, cancelled: threading.Event
) -> Generator[Record, None, None]:
    """Yield a record for each question, as they come.

    A question at which the answer model fails is recorded as what the reader would have got. When that happens three
    times in a row, or to all, the model is down: those are not recorded, so that they are asked again on resuming.

    Args:
        system: What is asked.
        questions: What it is asked.
        threads: How many questions at a time. Tokens are counted with one.
        cancelled: No question is begun once it is set.

    Raises:
        DatasetError: A question is too long.
        LLMError: The model is down.
        RagError: The store or the embedding model failed.
    """
    failed: list[Record] = []
    sound = False
    for record in _records(system, questions, threads, cancelled):
        if problem := _problem(record.answer, system):
            failed.append(record)
            if len(failed) == TRIES:
                raise LLMError(f"{system.name} failed {TRIES} times in a row, last at {record.question.id}: {problem}")
            continue
        sound = True
        yield from failed
        failed.clear()
        yield record
    if failed and not sound:
        raise LLMError(f"{system.name} failed at {failed[0].question.id}: {_problem(failed[0].answer, system)}")
    yield from failed


def _problem(answer: Answer, system: System) -> str:
    """Return why a model's answer is not the model's, or nothing."""
    fell_back = answer.model in ("", "extractive") and answer.model != system.model
    return answer.notices[0] if fell_back and answer.notices else ""


def _records(
    system: System, questions: Sequence[Question], threads: int, cancelled: threading.Event
) -> Iterator[Record]:
    if threads == 1:
        with _counting(system) as counter:
            for question in questions:
                if cancelled.is_set():
                    return
                yield _record(system, question, counter)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="dateline-eval") as pool:

        def work(question: Question) -> Record | None:
            return None if cancelled.is_set() else _record(system, question, None)

        futures = [pool.submit(work, question) for question in questions]
        try:
            for future in as_completed(futures):
                if record := future.result():
                    yield record
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # on an error or Ctrl-C no further question is begun


def _record(system: System, question: Question, counter: TokenCountingHandler | None) -> Record:
    if counter:
        counter.reset_counts()
    try:
        answer = system.ask(question.turns) if question.has_answer_key else _unasked(system, question)
    except LLMError as error:
        answer = _failure(question, str(error), system.engine.settings.hash)
    except QuestionError as error:
        raise DatasetError(f"question {question.id!r} cannot be asked: {error}") from error
    ranked = system.retrieve(answer.question)
    scores, valid = metrics.score(question, answer, ranked, lambda id_: system.engine.document(id_).text)
    tokens = counter.prompt_llm_token_count if counter else None
    return Record(question=question, answer=answer, ranked=ranked, scores=scores, valid=valid, tokens=tokens)


def _unasked(system: System, question: Question) -> Answer:
    """Return an answer without words to a question that only retrieval is judged on; no model is asked for it."""
    return Answer(question.turns[-1], "", False, (), (), system.model, {}, system.engine.settings.hash)


def _failure(question: Question, reason: str, settings_hash: str) -> Answer:
    """Return an answer without words; it is no refusal, so it is wrong whatever was asked."""
    return Answer(question.turns[-1], "", False, (), (), "", {}, settings_hash, (reason,))


@contextmanager
def _counting(system: System) -> Iterator[TokenCountingHandler]:
    """Count the tokens of the model's prompts, by LlamaIndex's own count (an OpenAI tokenizer that it ships)."""
    counter = TokenCountingHandler()
    llm = system.engine.llm
    if llm is None:
        yield counter
        return
    before = llm.callback_manager
    llm.callback_manager = CallbackManager([counter])
    try:
        yield counter
    finally:
        llm.callback_manager = before
