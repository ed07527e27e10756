"""Turn questions into records, one at a time or several in parallel."""

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
    """Yield a record for each question as it is answered.

    If the answer model fails on a question, the record holds what the reader would have got. If it fails three times
    in a row, or on all questions, the model is down. These questions are not recorded, so a resumed run repeats them.

    Args:
        system: The system to ask.
        questions: The questions to ask.
        threads: The number of questions at a time. Tokens are counted only with one thread.
        cancelled: No new question is started once it is set.

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
    """Return why an answer does not come from the model, or an empty string if it does."""
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
            pool.shutdown(wait=False, cancel_futures=True)  # on an error or Ctrl-C no new question is started


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
    """Return an empty answer to a question that only judges retrieval, without asking a model."""
    return Answer(question.turns[-1], "", False, (), (), system.model, {}, system.engine.settings.hash)


def _failure(question: Question, reason: str, settings_hash: str) -> Answer:
    """Return an empty answer; it does not count as a refusal, so it is wrong for every question."""
    return Answer(question.turns[-1], "", False, (), (), "", {}, settings_hash, (reason,))


@contextmanager
def _counting(system: System) -> Iterator[TokenCountingHandler]:
    """Count the tokens of the model's prompts with LlamaIndex's counter (an OpenAI tokenizer that it ships)."""
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
