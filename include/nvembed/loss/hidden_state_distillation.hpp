#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/squared_error.hpp>
#include <nvembed/loss/weighted_sum.hpp>
#include <vector>

namespace nvembed::loss {

/// How NV-Embed's pruned students are retrained (arXiv 2405.17428, version 3, appendix A):
///   sum_{n=1}^{O-2} MSE(student^n, teacher^n) + MSE(student^{O-1}, teacher^O)
/// over states in order. A student that lacks the teacher's last block (the latent head) has one state less: its last
/// is held against the teacher's last, and the teacher's last but one against nothing. With as many states on both
/// sides each is held against its own. The paper adds this to the contrastive loss with a weight it does not tell:
/// `weighted_sum`. No `Loss`: it compares lists of states.
struct HiddenStateDistillation {
  /// student: O or O - 1 states, teacher: O states, each of its partner's shape (rows, d); of any length -> (1, 1).
  /// The teacher's are constants of the context. Throws ShapeError where they do not match.
  template <Context C, class Var>
  Var operator()(C& cx, const std::vector<Var>& student, const std::vector<Var>& teacher) const {
    const std::size_t s = student.size(), t = teacher.size();
    require<ShapeError>(s > 0 && (s == t || s + 1 == t), "hidden_state_distillation", s,
                        " states of the student do not "
                        "match ",
                        t, " of the teacher");
    std::vector<Var> losses;
    for (std::size_t n = 0; n + 1 < s; ++n) losses.push_back(squared_error(cx, student[n], teacher[n]));
    losses.push_back(squared_error(cx, student.back(), teacher.back()));
    return weighted_sum(cx, losses, std::vector<double>(s, 1.0));
  }
};

}  // namespace nvembed::loss
