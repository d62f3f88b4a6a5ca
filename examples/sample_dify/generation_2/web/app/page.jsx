'use client'

import { useEffect, useState } from 'react'
import { defaultLocale, textsOf } from '../i18n'

const texts = textsOf(defaultLocale)

async function call(path, body, method = body ? 'POST' : 'GET') {
  const options = body ? { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : { method }
  const answer = await fetch(document.body.dataset.apiPrefix + path, options)
  const document_ = await answer.json()
  if (!answer.ok)
    throw new Error(document_.message)
  return document_
}

export default function Page() {
  const [questions, setQuestions] = useState([])
  const [notes, setNotes] = useState([])
  const [problem, setProblem] = useState('')

  async function refresh() {
    try {
      setQuestions((await call('/questions')).data)
      setNotes((await call('/notes')).data)
      setProblem('')
    }
    catch (error) {
      setProblem(`${texts.failed}: ${error.message}`)
    }
  }

  async function send(event, path, name) {
    event.preventDefault()
    const form = event.currentTarget
    try {
      await call(path, { [name]: new FormData(form).get(name) })
      form.reset()
    }
    catch (error) {
      setProblem(error.message)
      return
    }
    await refresh()
  }

  async function archive(id) {
    try {
      await call(`/notes/${id}/archived`, null, 'PUT')
    }
    catch (error) {
      setProblem(error.message)
      return
    }
    await refresh()
  }

  useEffect(() => {
    refresh()
    const timer = setInterval(refresh, 2000)
    return () => clearInterval(timer)
  }, [])

  return (
    <main>
      <h1>{texts.title}</h1>
      <form onSubmit={event => send(event, '/questions', 'question')}>
        <label>{texts.question} <input name="question" required size="40" /></label> <button>{texts.ask}</button>
      </form>
      <form onSubmit={event => send(event, '/notes', 'text')}>
        <label>{texts.note} <input name="text" required size="40" /></label> <button>{texts.keep}</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
      <ul>
        {questions.map(({ id, question, status, answer, note_title: note }) => (
          <li key={id}>
            <strong>{question}</strong>
            <p>{status === 'answered' ? `${answer} (${texts.from} ${note})` : texts[status]}</p>
          </li>
        ))}
      </ul>
      <h2>{texts.notes}</h2>
      <ul>
        {notes.map(({ id, title }) => (
          <li key={id}>
            {title} <button onClick={() => archive(id)}>{texts.archive}</button>
          </li>
        ))}
      </ul>
    </main>
  )
}
