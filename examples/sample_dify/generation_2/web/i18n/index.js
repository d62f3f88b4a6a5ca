// The default language is a literal here, as in Dify: it takes a patch of the source to change it.
export const defaultLocale = 'en-US'

const texts = {
  'en-US': {
    title: 'Ask your notes',
    question: 'Your question',
    ask: 'Ask',
    note: 'A new note',
    keep: 'Keep',
    notes: 'Notes',
    archive: 'Archive',
    waiting: 'The worker is looking …',
    unanswered: 'No note has an answer to that.',
    from: 'from',
    failed: 'The api does not answer',
  },
  'zh-Hans': {
    title: '问问你的笔记',
    question: '你的问题',
    ask: '提问',
    note: '新笔记',
    keep: '保存',
    notes: '笔记',
    archive: '归档',
    waiting: '正在查找……',
    unanswered: '没有笔记能回答这个问题。',
    from: '来自',
    failed: 'API 没有响应',
  },
}

export function textsOf(locale) {
  return texts[locale] || texts[defaultLocale]
}
