'use client'

import { useState } from 'react'
import Answer from './answer'

const PAUSE = 500 // milliseconds between two looks
const PATIENCE = 60 // looks

async function readJson(address, options) {
  const answer = await fetch(address, options)
  if (!answer.ok)
    throw new Error(`${address}: ${answer.status}`)
  return answer.json()
}

export default function Ask({ apiPrefix, texts }) {
  const [text, setText] = useState('')
  const [question, setQuestion] = useState(null)
  const [failed, setFailed] = useState(false)
  const [busy, setBusy] = useState(false)

  async function ask(event) {
    event.preventDefault()
    setFailed(false)
    setBusy(true)
    try {
      let asked = await readJson(`${apiPrefix}/questions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ question: text }),
      })
      setQuestion(asked)
      for (let look = 0; asked.status === 'waiting' && look < PATIENCE; look++) {
        await new Promise(resolve => setTimeout(resolve, PAUSE))
        asked = await readJson(`${apiPrefix}/questions/${asked.id}`)
        setQuestion(asked)
      }
    }
    catch (error) {
      console.error(error)
      setFailed(true)
    }
    setBusy(false)
  }

  return (
    <>
      <form onSubmit={ask}>
        <input value={text} onChange={event => setText(event.target.value)} placeholder={texts.placeholder} maxLength={1000} required />
        <button disabled={busy}>{texts.ask}</button>
      </form>
      {failed && <p role="alert">{texts.failed}</p>}
      {question && <Answer question={question} texts={texts} />}
    </>
  )
}
