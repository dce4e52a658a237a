#include <cmath>
#include <nvembed/train/teacher_vectors.hpp>
#include <train/npy.hpp>
#include <train/support.hpp>

using namespace train_test;

TEST_CASE("a teacher's vectors are found by text and brought to unit length") {
  const Folder folder("teacher");
  const std::string texts = folder.write("t.jsonl", R"({"text": "one"}
{"text": "two"}
{"text": "one"}
)"),
                    vectors = folder.write("t.npy", npy(3, 2, {3, 4, 0, 2, 1, 0}));
  const TeacherVectors teacher(texts, vectors);
  CHECK(teacher.size() == 3);
  CHECK(teacher.dim() == 2);
  CHECK(teacher.find("one") == 0);
  CHECK(teacher.find("two") == 1);
  CHECK(!teacher.find("three"));
  CHECK(!teacher.find("one "));
  CHECK(teacher.digest() == TeacherVectors(texts, vectors).digest());
  CHECK(teacher.digest() != TeacherVectors(texts, folder.write("u.npy", npy(3, 2, {3, 4, 0, 2, 1, 1}))).digest());
  CHECK(teacher.unit_row(0) == std::vector<float>{0.6f, 0.8f});
  CHECK(teacher.unit_row(1) == std::vector<float>{0, 1});
}

TEST_CASE("files of a teacher that do not belong together are refused") {
  const Folder folder("teacher_bad");
  const std::string texts = folder.write("t.jsonl", "{\"text\": \"one\"}\n");
  const std::string two = folder.write("two.npy", npy(2, 1, {1, 1}));
  CHECK(message_of<FileError>([&] { TeacherVectors(texts, two); }) ==
        "[teacher] " + two + ": 2 rows of 1 for 1 texts in " + texts);
  const std::string one = folder.write("one.npy", npy(1, 1, {1}));
  CHECK(message_of<FileError>([&] { TeacherVectors(folder.write("b.jsonl", "{\"txt\": 1}"), one); }).find("line 1") !=
        std::string::npos);
  CHECK_THROWS_AS(TeacherVectors(texts, folder.path("missing.npy")), FileError);
  CHECK(message_of<FileError>([&] {
          TeacherVectors(texts, folder.write("zero.npy", npy(1, 2, {0, 0})));
        }).find("row 0 is all zeros") != std::string::npos);
  CHECK_THROWS_AS(TeacherVectors(texts, folder.write("nan.npy", npy(1, 1, {NAN}))), FileError);
}
