export default function Answer({ question, texts }) {
  return (
    <section>
      <h3>{question.question}</h3>
      {question.status === 'answered'
        ? <p>{question.answer} <span className="quiet">({texts.from} {question.note_title})</span></p>
        : <p className="quiet">{texts[question.status]}</p>}
    </section>
  )
}
