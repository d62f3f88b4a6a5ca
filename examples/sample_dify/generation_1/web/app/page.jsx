import Ask from './components/ask'
import Answer from './components/answer'
import { getTexts } from '../i18n'

// The environment is read at each request, not at the build: one image serves any address.
export const dynamic = 'force-dynamic'

async function findEarlierQuestions() {
  try {
    const answer = await fetch(`${process.env.API_INTERNAL_URL}/console/api/questions`, {
      cache: 'no-store',
      signal: AbortSignal.timeout(3000),
    })
    return answer.ok ? (await answer.json()).data : null
  }
  catch (error) {
    console.error(`The api at ${process.env.API_INTERNAL_URL} cannot be reached: ${error.cause ?? error}`)
    return null
  }
}

export default async function Page() {
  const { texts } = getTexts(process.env.NEXT_PUBLIC_LOCALE)
  const questions = await findEarlierQuestions()
  return (
    <main>
      <h1>{texts.title}</h1>
      <Ask apiPrefix={process.env.NEXT_PUBLIC_API_PREFIX ?? '/console/api'} texts={texts} />
      <h2>{texts.earlier}</h2>
      {questions === null && <p className="quiet">{texts.unreachable}</p>}
      {questions?.length === 0 && <p className="quiet">{texts.none}</p>}
      {questions?.map(question => <Answer key={question.id} question={question} texts={texts} />)}
      <footer>{process.env.COMMIT_SHA ? `commit ${process.env.COMMIT_SHA.slice(0, 12)}` : ''}</footer>
    </main>
  )
}
